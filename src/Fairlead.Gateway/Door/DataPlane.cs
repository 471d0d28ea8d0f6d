using System.Diagnostics;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Door;

/// <summary>Where callers come in: Kestrel, the frame that holds for every route, and the doors behind it.</summary>
/// <remarks>Kestrel without ASP.NET's host. The host gives every request an activity, a logging scope and with them an execution context of its
/// own, which each of our awaits would then carry along; nobody here reads them, and they cost as much as a request's routing and limits together.</remarks>
internal sealed class DataPlane : IAsyncDisposable
{
    private readonly WebApplication _services;
    private readonly IServer _server;
    private readonly RequestDelegate _answer;

    public DataPlane(GatewaySettings settings, ILoggerFactory loggers, LiveDeployment live, TimeProvider time, Action<IEndpointRouteBuilder> doors)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<DiagnosticSource>(new HeadRefusals(time)); // what Kestrel itself refuses
        builder.Services.Configure<SocketTransportOptions>(static o => o.UnsafePreferInlineScheduling = true); // nothing on the path blocks
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.AllowSynchronousIO = false;
            SetLimits(kestrel.Limits, settings.Dispatch.CallerWrite);
            kestrel.Listen(settings.Listen, static listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(HeadRefusals.Watch);
            });
        });
        _services = builder.Build(); // built for its parts, never started
        _server = _services.Services.GetRequiredService<IServer>();

        var app = new ApplicationBuilder(_services.Services);
        app.Use(next => http => DoorFrame.RunAsync(http, live, time, next));
        app.UseRouting();
        app.UseEndpoints(routes =>
        {
            doors(routes);
            UnknownRoute.Map(routes);
            Routes = [.. routes.DataSources.SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()];
        });
        _answer = app.Build();
    }

    /// <summary>Every route behind the frame.</summary>
    public IReadOnlyList<RouteEndpoint> Routes { get; private set; } = [];

    /// <exception cref="IOException">The address is taken.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(new Application(_answer), cancellationToken);

    /// <summary>Takes no more connections, and ends those that are there when <paramref name="patience"/> does.</summary>
    public Task StopAsync(CancellationToken patience) => _server.StopAsync(patience);

    public async ValueTask DisposeAsync()
    {
        _server.Dispose();
        await _services.DisposeAsync();
    }

    private static void SetLimits(KestrelServerLimits limits, TimeSpan callerWrite)
    {
        limits.MaxRequestBodySize = null; // the door counts, and answers in its own dialect
        limits.MaxRequestHeadersTotalSize = HeadLimits.Bytes;
        limits.MaxRequestHeaderCount = HeadLimits.Count;
        limits.MaxRequestLineSize = HeadLimits.LineBytes;
        limits.RequestHeadersTimeout = HeadLimits.Time;
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
        limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new MinDataRate(1_100, callerWrite); // of the 64 KiB it buffers, what a dead reader leaves is gone in a minute
    }

    /// <summary>What Kestrel calls for each request. One context object serves a connection for its whole life.</summary>
    private sealed class Application(RequestDelegate answer) : IHttpApplication<DefaultHttpContext>
    {
        public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
        {
            if (contextFeatures is not IHostContextContainer<DefaultHttpContext> connection)
                return new DefaultHttpContext(contextFeatures);
            DefaultHttpContext context = connection.HostContext ??= new DefaultHttpContext();
            context.Initialize(contextFeatures);
            return context;
        }

        public Task ProcessRequestAsync(DefaultHttpContext context) => answer(context);

        public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
    }
}

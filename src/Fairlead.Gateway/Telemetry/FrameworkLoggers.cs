using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Gateway.Telemetry;

/// <summary>The loggers that the web framework gets: ours, but for those that write whole addresses. What stands in a query may be a key.</summary>
internal sealed class FrameworkLoggers(ILoggerFactory loggers) : ILoggerFactory
{
    private static readonly string[] Talkative = ["Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Routing"];

    public ILogger CreateLogger(string categoryName) =>
        Talkative.Any(category => categoryName.StartsWith(category, StringComparison.Ordinal)) ? NullLogger.Instance : loggers.CreateLogger(categoryName);

    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    public void Dispose()
    {
        // The factory behind is its maker's to dispose of.
    }
}

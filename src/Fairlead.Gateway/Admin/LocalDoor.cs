using System.Globalization;
using Fairlead.Api;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Naming;
using Fairlead.Fleet;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using static Fairlead.Gateway.Admin.AdminAnswer;

namespace Fairlead.Gateway.Admin;

/// <summary>The admin API of the models that this server runs itself: what they do, one more of them, load, unload, their logs.</summary>
internal sealed class LocalDoor(DeploymentKeeper keeper, ConfigurationHooks hooks)
{
    private readonly Lock _running = new();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/local", (RequestDelegate)(http => Send(http, LocalViews.All(keeper), ApiJson.Default.LocalFleet)));
        routes.MapPost("/api/local", (RequestDelegate)Run);
        routes.MapPost("/api/local/{name}/load", (RequestDelegate)Load);
        routes.MapPost("/api/local/{name}/stop", (RequestDelegate)Stop);
        routes.MapGet("/api/local/{name}/logs", (RequestDelegate)Logs);
    }

    private async Task Run(HttpContext http)
    {
        if (await ReadAsync(http, ApiJson.Default.RunRequest) is not { } request)
            return;
        (LocalModelSettings? model, string? wrong) = hooks.ReadModel(request);
        if (model is null)
        {
            await Refuse(http, 400, "model_invalid", Redaction.Clean(wrong!, 1000));
            return;
        }
        string? conflict;
        lock (_running) // two who ask for one name at once: the second sees what the first has done
        {
            conflict = Conflict(request, model);
            if (conflict is null && !IsConfigured(model.Name))
                keeper.Add(model);
        }
        if (conflict is not null)
            await Refuse(http, 409, "name_taken", conflict);
        else
            await Send(http, LocalViews.Of(keeper, InForce(model.Name)!), ApiJson.Default.LocalModelView, StatusCodes.Status201Created);
    }

    /// <summary>What speaks against serving it beside what is there: a name stands for one source, and what the configuration says holds.</summary>
    private string? Conflict(RunRequest request, LocalModelSettings model)
    {
        if (InForce(model.Name) is not { } there)
            return null;
        string name = $"{LocalModels.Provider}/{there.Name}";
        if (there.Source != model.Source)
            return $"{name} is {there.Source} already. Choose another name with --name.";
        bool same = (request.Context is null || there.Context == model.Context) && (request.Slots is null || there.Slots == model.Slots)
            && (request.Threads is null || there.Threads == model.Threads) && (request.Keep is null || there.Keep == model.Keep)
            && (request.Quantize is null || there.Quantize == model.Quantize) && (request.Kv is null || there.Kv == model.Kv) && (request.Stall is null || there.Stall == model.Stall)
            && (request.Draft is null || there.Draft == model.Draft) && (request.Guesses is null || there.Guesses == model.Guesses);
        return same || keeper.IsAdded(there.Name) ? null : $"{name} stands in the configuration with other settings. Change them there, leave the options out, or choose another name with --name.";
    }

    private LocalModelSettings? InForce(string name) => keeper.Current.Settings.Local.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private bool IsConfigured(string name) => InForce(name) is not null && !keeper.IsAdded(name);

    private async Task Load(HttpContext http)
    {
        if (await FindAsync(http) is not { } name)
            return;
        try
        {
            await keeper.Fleet.LoadAsync(name, http.RequestAborted);
        }
        catch (FleetRefusedException e)
        {
            await Tell(http, e.Refusal, name);
            return;
        }
        await Send(http, LocalViews.All(keeper).Models.First(m => m.Name == name), ApiJson.Default.LocalModelView);
    }

    private async Task Stop(HttpContext http)
    {
        string now = http.Request.Query["now"].ToString();
        if (now is not ("" or "true" or "false"))
        {
            await Refuse(http, 400, "now_invalid", "'now' must be true or false.");
            return;
        }
        if (await FindAsync(http) is not { } name)
            return;
        try
        {
            StopOutcome outcome = await keeper.Fleet.StopAsync(name, now == "true", http.RequestAborted);
            await Send(http, new StopReport(name, outcome.Freed, outcome.BrokenOff), ApiJson.Default.StopReport);
        }
        catch (FleetRefusedException e)
        {
            await Tell(http, e.Refusal, name);
        }
    }

    private async Task Logs(HttpContext http)
    {
        long after = 0;
        if (http.Request.Query["after"].ToString() is { Length: > 0 } text && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            await Refuse(http, 400, "after_invalid", "'after' must be the 'next' of an earlier answer, or left out.");
            return;
        }
        if (await FindAsync(http) is not { } name)
            return;
        (IReadOnlyList<string> lines, long written) = keeper.Fleet.LinesAfter(name, after);
        await Send(http, new LogView(name, lines, written), ApiJson.Default.LogView);
    }

    private async Task<string?> FindAsync(HttpContext http)
    {
        string asked = Uri.UnescapeDataString((string?)http.Request.RouteValues["name"] ?? ""); // a slash stays escaped in a path
        if (LocalViews.Find(keeper, asked) is { } name)
            return name;
        List<string> names = [.. LocalViews.Names(keeper)];
        string? meant = Nearness.Nearest(names, asked) ?? names.Find(n => Nearness.Nearest([n[(n.IndexOf('/', StringComparison.Ordinal) + 1)..]], asked) is not null);
        await Refuse(http, 404, "model_not_found", $"No model that this server runs is called '{Redaction.Clean(asked, 64)}'. {(meant is null ? "List them with 'fairlead ps'." : $"Did you mean '{meant}'?")}");
        return null;
    }

    private static Task Tell(HttpContext http, FleetRefusal refusal, string name)
    {
        // 424: the server is well, and what it depends on is not.
        (int status, string code) = refusal.Kind switch
        {
            FleetRefusalKind.Unknown => (404, "model_not_found"),
            FleetRefusalKind.TooLarge or FleetRefusalKind.LoadFailed or FleetRefusalKind.Parked or FleetRefusalKind.Resting => (424, "load_failed"),
            _ => (503, "unavailable"),
        };
        string next = status == 424 ? $" See 'fairlead logs {name}'." : "";
        return Refuse(http, status, code, $"{refusal.Reason.TrimEnd('.')}.{next}");
    }
}

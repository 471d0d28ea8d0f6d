using System.Globalization;
using System.Text;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Catalogue;

namespace Fairlead.Gateway.Telemetry;

/// <summary>What <c>/metrics</c> says of the models that this server runs itself, in Prometheus' text format 0.0.4.</summary>
/// <remarks>Read from the fleet when it is asked for, and written past the meters of <see cref="GatewayMetrics"/>, which would go on telling of a model that has
/// left the configuration. The one label that is no closed list is the model's name, which comes from the configuration.</remarks>
internal sealed class LocalMetrics(DeploymentKeeper keeper)
{
    /// <summary>The page's part; empty where there are no such models.</summary>
    public string Write()
    {
        IReadOnlyList<ModelStatus> models = keeper.Fleet.Statuses;
        if (models.Count == 0)
            return "";
        var page = new StringBuilder();
        Each("loads_total", "counter", "Loads that succeeded.", static s => s.Loads);
        Each("failed_loads_total", "counter", "Loads that failed.", static s => s.FailedLoads);
        Each("evictions_total", "counter", "Times it was unloaded to make room for another.", static s => s.Evictions);
        Each("idle_unloads_total", "counter", "Times it was unloaded because nobody used it.", static s => s.IdleUnloads);
        Each("crashes_total", "counter", "Times its worker died unasked.", static s => s.Crashes);
        WriteLoadSeconds(page, models);
        Each("queue", "gauge", "Requests that wait for it.", static s => s.Waiting);
        Each("busy", "gauge", "Requests in its worker.", static s => s.Busy);
        Each("slots", "gauge", "Answers that its worker generates at once.", static s => s.Slots);
        Each("memory_bytes", "gauge", "What its process occupies; 0 where it has none.", static s => s.Resident ?? 0);
        Each("memory_reserved_bytes", "gauge", "Memory that is set aside for it; 0 while it has no worker.", static s => s.Start is null ? 0 : s.Memory ?? 0);
        Dictionary<string, double> speeds = Speeds();
        Each("tokens_per_second", "gauge", "Output speed of one answer, smoothed over the latest.", s => speeds.TryGetValue(s.Model, out double speed) ? speed : null);
        Each("tokens_read_total", "counter", "Tokens of prompts that its present worker has read.", s => keeper.Fleet.Health(s.Model)?.TokensRead);
        Each("tokens_generated_total", "counter", "Tokens that its present worker has written.", s => keeper.Fleet.Health(s.Model)?.TokensGenerated);
        Each("tokens_guessed_total", "counter", "Tokens that its present worker has guessed ahead.", s => keeper.Fleet.Health(s.Model)?.TokensGuessed);
        Each("tokens_guessed_right_total", "counter", "Of those, tokens that came true: each saved a step.", s => keeper.Fleet.Health(s.Model)?.TokensGuessedRight);
        Each("tokens_drafted_total", "counter", "Of the tokens guessed ahead, those that a draft guessed.", s => keeper.Fleet.Health(s.Model)?.TokensDrafted);
        Each("tokens_drafted_right_total", "counter", "Of those, tokens that came true.", s => keeper.Fleet.Health(s.Model)?.TokensDraftedRight);
        Each("draft_seconds_total", "counter", "Seconds that its present worker's draft has computed.", s => keeper.Fleet.Health(s.Model)?.DraftSeconds);
        Each("busy_seconds_total", "counter", "Seconds that its present worker has computed, the draft's among them.", s => keeper.Fleet.Health(s.Model)?.BusySeconds);
        Each("batch_fill", "gauge", "How full the last steps of its batch were, 0 to 1.", s => keeper.Fleet.Health(s.Model)?.BatchFill);
        Each("kv_used_ratio", "gauge", "Share of its cache of keys and values that is in use, 0 to 1.", s => KeysAndValues(keeper.Fleet.Health(s.Model)));
        WriteStates(page, models);
        Head(page, "memory_limit_bytes", "gauge", "Memory that all of them together may take.");
        page.Append("fairlead_local_memory_limit_bytes ").Append(keeper.FleetMemory).Append('\n');
        return page.ToString();

        // What is not known of a model is left out, not told as nought.
        void Each(string name, string type, string help, Func<ModelStatus, double?> read)
        {
            Head(page, name, type, help);
            foreach (ModelStatus status in models)
            {
                if (read(status) is { } value)
                    Sample(page, name, status.Model, "", value);
            }
        }
    }

    private void WriteLoadSeconds(StringBuilder page, IReadOnlyList<ModelStatus> models)
    {
        Head(page, "load_seconds", "histogram", "From a worker's start to its being ready, without what it waited for memory.");
        FleetTotals totals = keeper.Fleet.Totals;
        foreach (ModelStatus status in models)
        {
            if (!totals.LoadSeconds.TryGetValue(status.Model, out LoadSeconds? loads))
                continue;
            long sum = 0;
            for (int i = 0; i < loads.Counts.Length; i++)
            {
                sum += loads.Counts[i];
                string bound = i < LoadSeconds.Bounds.Length ? Number(LoadSeconds.Bounds[i]) : "+Inf";
                Sample(page, "load_seconds_bucket", status.Model, $",le=\"{bound}\"", sum);
            }
            Sample(page, "load_seconds_sum", status.Model, "", loads.Sum);
            Sample(page, "load_seconds_count", status.Model, "", sum);
        }
    }

    private static void WriteStates(StringBuilder page, IReadOnlyList<ModelStatus> models)
    {
        Head(page, "state", "gauge", "1 for the state that it is in.");
        foreach (ModelStatus status in models)
        {
            foreach (ModelState state in Enum.GetValues<ModelState>())
                Sample(page, "state", status.Model, $",state=\"{state.ToString().ToLowerInvariant()}\"", state == status.State ? 1 : 0);
        }
    }

    private Dictionary<string, double> Speeds()
    {
        var speeds = new Dictionary<string, double>(StringComparer.OrdinalIgnoreCase);
        Deployment deployment = keeper.Current;
        foreach (Offer offer in deployment.Catalogue.Models.SelectMany(static m => m.Offers))
        {
            if (deployment.Runtime(offer) is { Own: not null } runtime && runtime.Condition.TokensPerSecond is var speed && !double.IsNaN(speed))
                speeds[offer.Name] = speed;
        }
        return speeds;
    }

    private static double? KeysAndValues(WorkerHealth? health) =>
        health is { KvBlocksUsed: { } used, KvBlocksTotal: > 0 and var total } ? used / (double)total : null;

    private static void Head(StringBuilder page, string name, string type, string help) =>
        page.Append("# HELP fairlead_local_").Append(name).Append(' ').Append(help).Append("\n# TYPE fairlead_local_").Append(name).Append(' ').Append(type).Append('\n');

    private static void Sample(StringBuilder page, string name, string model, string more, double value) =>
        page.Append("fairlead_local_").Append(name).Append("{model=\"")
            .Append(model.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
            .Append('"').Append(more).Append("} ").Append(Number(value)).Append('\n');

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

using System.Text.Json;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Metering;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;

namespace Fairlead.Gateway.Door;

/// <summary>What <c>GET /health</c> says: whether work is taken on, and which part is unwell. A part that is unwell is a sentence in the body,
/// not a 503, unless nothing can be served.</summary>
internal sealed class HealthReport(
    LiveDeployment live, RequestJournal journal, LateCloses late, JournalShipper shipper, CircuitTable circuits, Admission admission, DeploymentKeeper keeper, ShutdownState shutdown, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();

    public State Read()
    {
        JournalHealth journalHealth = journal.Health;
        IReadOnlyList<ModelStatus> local = keeper.Fleet.Statuses;
        bool ailing = circuits.Open().Count > 0 || shipper.Health.Error is not null || local.Any(static m => m.State is ModelState.Resting or ModelState.Parked);
        return new State(
            shutdown.IsDraining ? "draining" : !journalHealth.Available ? "storage" : ailing ? "degraded" : "ok",
            !shutdown.IsDraining && journalHealth.Available,
            journalHealth,
            late.Count,
            shipper.Health.Error,
            circuits.Open(),
            live.Current.Catalogue.Models.Length,
            live.Current.Settings.Providers.Length,
            admission.Running,
            local,
            keeper.FleetMemory,
            time.GetElapsedTime(_began));
    }

    /// <summary>One moment's health.</summary>
    internal sealed record State(
        string Status, bool CanServe, JournalHealth Journal, int WaitingCloses, string? StoreError,
        IReadOnlyList<(string Provider, CircuitCause Why, TimeSpan AskableIn)> Open, int Models, int Providers, int Running,
        IReadOnlyList<ModelStatus> Local, long LocalMemory, TimeSpan Uptime)
    {
        /// <summary>For whoever may know it: paths, providers and what ails them.</summary>
        public void Write(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteString("status", Status);
            json.WriteString("version", ProductVersion.Text);
            json.WriteNumber("uptime_s", Math.Floor(Uptime.TotalSeconds));
            json.WriteNumber("running", Running);
            json.WriteNumber("models", Models);
            json.WriteNumber("providers", Providers);
            json.WriteStartObject("journal");
            json.WriteString("status", Journal.Available ? "ok" : Journal.Full ? "full" : "failing");
            json.WriteNumber("unshipped_bytes", Journal.UnshippedBytes);
            json.WriteNumber("waiting_closes", WaitingCloses);
            json.WriteString("error", Journal.LastError);
            json.WriteEndObject();
            json.WriteStartObject("store");
            json.WriteString("status", StoreError is null ? "ok" : "failing");
            json.WriteString("error", StoreError);
            json.WriteEndObject();
            json.WriteStartArray("resting");
            foreach ((string provider, CircuitCause why, TimeSpan wait) in Open)
            {
                json.WriteStartObject();
                json.WriteString("provider", provider);
                json.WriteString("why", why.ToString().ToLowerInvariant());
                json.WriteNumber("askable_in_s", Math.Ceiling(wait.TotalSeconds));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteLocal(json);
            json.WriteEndObject();
        }

        /// <summary>What the models of our own do, and why one of them does not.</summary>
        private void WriteLocal(Utf8JsonWriter json)
        {
            json.WriteStartObject("local");
            json.WriteNumber("memory_limit_bytes", LocalMemory);
            json.WriteStartArray("models");
            foreach (ModelStatus model in Local)
            {
                json.WriteStartObject();
                json.WriteString("model", model.Model);
                json.WriteString("state", model.State.ToString().ToLowerInvariant());
                json.WriteNumber("busy", model.Busy);
                json.WriteNumber("waiting", model.Waiting);
                if (model.Share is { } share)
                    json.WriteNumber("loaded", Math.Round(share, 2));
                if (model.ReadyIn > TimeSpan.Zero && model.State is ModelState.Queued or ModelState.Loading)
                    json.WriteNumber("ready_in_s", Math.Ceiling(model.ReadyIn.TotalSeconds));
                if (model.Start is not null && model.Memory is { } memory)
                    json.WriteNumber("memory_bytes", memory);
                if (model.State is ModelState.Resting or ModelState.Parked)
                    json.WriteString("why", model.Reason);
                if (model.RetryIn is { } retry)
                    json.WriteNumber("askable_in_s", Math.Ceiling(retry.TotalSeconds));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }

        /// <summary>For strangers: what a load balancer needs.</summary>
        public void WriteStatus(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteString("status", Status);
            json.WriteEndObject();
        }
    }
}

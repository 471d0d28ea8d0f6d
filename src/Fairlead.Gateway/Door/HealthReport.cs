using System.Text.Json;
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
    LiveDeployment live, RequestJournal journal, LateCloses late, JournalShipper shipper, CircuitTable circuits, Admission admission, ShutdownState shutdown, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();

    public State Read()
    {
        JournalHealth journalHealth = journal.Health;
        return new State(
            shutdown.IsDraining ? "draining" : !journalHealth.Available ? "storage" : circuits.Open().Count > 0 || shipper.Health.Error is not null ? "degraded" : "ok",
            !shutdown.IsDraining && journalHealth.Available,
            journalHealth,
            late.Count,
            shipper.Health.Error,
            circuits.Open(),
            live.Current.Catalogue.Models.Length,
            live.Current.Settings.Providers.Length,
            admission.Running,
            time.GetElapsedTime(_began));
    }

    /// <summary>One moment's health.</summary>
    internal sealed record State(
        string Status, bool CanServe, JournalHealth Journal, int WaitingCloses, string? StoreError,
        IReadOnlyList<(string Provider, CircuitCause Why, TimeSpan AskableIn)> Open, int Models, int Providers, int Running, TimeSpan Uptime)
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

using System.Globalization;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Settings;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What a request does about a model that is not loaded: how long it waits, and whether it causes the load.</summary>
/// <param name="Patience">Longest wait; zero: none, and the answer is 503 with the time it will take.</param>
/// <param name="MayLoad">False: it causes no load.</param>
internal readonly record struct ColdPolicy(TimeSpan Patience, bool MayLoad)
{
    private const string Wait = "x-wait-for-model";
    private const string Load = "x-load-model";
    private const string Cache = "x-use-cache";
    private const string Hold = "x-fairlead-hold";
    private const string HoldAsEndpointsDo = "x-scale-up-timeout";

    private static readonly TimeSpan LongestHold = TimeSpan.FromHours(1);

    /// <summary>Reads the request's headers. What they leave open is the key's to say, and then the server's.</summary>
    /// <param name="headers">Hostile or mistaken: a value that means nothing is refused, never passed over.</param>
    /// <param name="key">The key's word; null: it has none.</param>
    /// <param name="fleet">The server's.</param>
    /// <param name="policy">What holds.</param>
    /// <returns>Null when all is well.</returns>
    public static Problem? Read(IHeaderDictionary headers, bool? key, FleetSettings fleet, out ColdPolicy policy)
    {
        policy = default;
        if (Switch(headers, Wait, out bool? wait) is { } noWait)
            return noWait;
        if (Switch(headers, Load, out bool? load) is { } noLoad)
            return noLoad;
        // Answers are never reused here, so "false" is kept and "true" asks for nothing.
        if (Switch(headers, Cache, out _) is { } noCache)
            return noCache;
        if (Seconds(headers, Hold, out TimeSpan? hold) is { } noHold)
            return noHold;
        if (Seconds(headers, HoldAsEndpointsDo, out TimeSpan? scaleUp) is { } noScaleUp)
            return noScaleUp;
        if (hold is null || scaleUp < hold)
            hold = scaleUp ?? hold;
        if (wait is { } said && hold is { } held && said != held > TimeSpan.Zero)
        {
            return new Problem(ProblemKind.FieldInvalid,
                $"The headers {Wait}: {(said ? "true" : "false")} and a hold of {held.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s contradict each other. Send one of the two.", Wait);
        }
        bool waits = wait ?? (hold is { } h ? h > TimeSpan.Zero : key ?? fleet.WaitForModel);
        policy = new ColdPolicy(waits ? (hold < fleet.QueueWait ? hold.Value : fleet.QueueWait) : TimeSpan.Zero, load ?? true);
        return null;
    }

    private static Problem? Switch(IHeaderDictionary headers, string name, out bool? value)
    {
        value = null;
        if (!headers.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues sent))
            return null;
        value = sent.ToString() switch
        {
            "1" => true,
            "0" => false,
            var text when text.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
            var text when text.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
            _ => null,
        };
        return value is null ? new Problem(ProblemKind.FieldInvalid, $"The header {name} must be true or false (or 1 or 0). Leave it out for the default.", name) : null;
    }

    private static Problem? Seconds(IHeaderDictionary headers, string name, out TimeSpan? value)
    {
        value = null;
        if (!headers.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues sent))
            return null;
        if (double.TryParse(sent.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds <= LongestHold.TotalSeconds)
            value = TimeSpan.FromSeconds(seconds);
        return value is null
            ? new Problem(ProblemKind.FieldInvalid, $"The header {name} must be a number of seconds from 0 to {LongestHold.TotalSeconds:0}: how long the request may wait for a model that is not loaded.", name)
            : null;
    }
}

namespace Fairlead.Protocols.Translation;

/// <summary>What becomes of a field where a request goes from one dialect into the other.</summary>
public enum Fate : byte
{
    /// <summary>Arrives with its meaning, be it under another name or in another form.</summary>
    Carried = 1,

    /// <summary>Arrives with its meaning where the model can take it; where not, it is named in <c>x-fairlead-adapted</c>.</summary>
    Adapted,

    /// <summary>Is dropped and named in <c>x-fairlead-adapted</c>; with <c>require_parameters</c> the offer is no candidate.</summary>
    Lost,

    /// <summary>Keeps the request with upstreams of the caller's own dialect.</summary>
    Bound,

    /// <summary>Is this server's own business and goes to no upstream.</summary>
    Ours,
}

/// <summary>One row of the table of a translation.</summary>
/// <param name="Field">Its name as the caller writes it; what stands within another field comes behind a dot.</param>
/// <param name="Fate">What becomes of it.</param>
/// <param name="Becomes">What it is called on the other side, or why it is nothing there.</param>
/// <param name="Example">A member, or a whole message, that shows it: JSON that the door takes. Tests hold the row to it.</param>
public sealed record TranslationRow(string Field, Fate Fate, string Becomes, string Example);

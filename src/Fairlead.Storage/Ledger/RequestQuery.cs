using Fairlead.Domain.Ids;

namespace Fairlead.Storage.Ledger;

/// <summary>Which decision records to list, newest first.</summary>
public sealed record RequestQuery
{
    /// <summary>The most that one page may have.</summary>
    public const int MaxLimit = 1000;

    /// <summary>1 to <see cref="MaxLimit"/>. Default 50.</summary>
    public int Limit { get; init; } = 50;

    /// <summary>Only requests that began before this one: the last id of the page before.</summary>
    public RequestId? Before { get; init; }

    /// <summary>Only requests that were neither answered nor left by their caller.</summary>
    public bool Failed { get; init; }

    public KeyId? Key { get; init; }

    /// <summary>Catalogue id of the model that served, or the model exactly as it was asked for.</summary>
    public string? Model { get; init; }
}

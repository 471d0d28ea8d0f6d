namespace Fairlead.Storage.Journal;

/// <summary>Bounds of what a record holds. Writing cuts to them, because a settlement is never lost for an over-long name; reading refuses what is beyond.</summary>
internal static class RecordLimits
{
    /// <summary>UTF-8 bytes of one text.</summary>
    public const int TextBytes = 2048;

    /// <summary>Elements of one list.</summary>
    public const int ListCount = 512;
}

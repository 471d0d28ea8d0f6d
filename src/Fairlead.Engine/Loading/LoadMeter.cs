namespace Fairlead.Engine.Loading;

/// <summary>How far a load has come: bytes of weights that are ready to compute with, of all that there are.</summary>
/// <remarks>Used by the one thread that loads. What it tells never falls, and reaches 1 only when every byte is there.</remarks>
/// <param name="bytes">All of them: <see cref="ModelNeed.LoadBytes"/>.</param>
/// <param name="progress">Gets the share, 0 to 1, after each piece of some megabytes; on the loading thread, so it should return soon.</param>
public sealed class LoadMeter(long bytes, IProgress<double> progress)
{
    private long _done;
    private long _told;

    /// <summary>So many bytes more are ready.</summary>
    public void Add(long more)
    {
        _done = Math.Min(bytes, _done + more);
        _told = Math.Max(_told, _done);
        progress.Report(bytes == 0 ? 1 : (double)_told / bytes);
    }

    /// <summary>So many bytes of those were no good and will come again: what it tells stands still meanwhile.</summary>
    public void TakeBack(long less) => _done -= less;
}

using System.Collections.Immutable;
using Fairlead.Engine.Formats;

namespace Fairlead.Worker;

/// <summary>Looks after the files that a loaded model is computed from, where they lie: one that is written to in place gives wrong answers, and one that is shortened ends
/// the process at the next page that is gone, without a word.</summary>
/// <remarks>Another file under the same name changes nothing: what is mapped stays the old one. A busy worker may still meet the missing page first.</remarks>
internal static class WeightWatch
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>What has happened to which file, as soon as it is seen; ends with null when <paramref name="over"/> does.</summary>
    public static async Task<string?> ForChangeAsync(ImmutableArray<FileStamp> files, TimeProvider time, CancellationToken over)
    {
        using var timer = new PeriodicTimer(Between, time);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                foreach (FileStamp file in files)
                {
                    if (file.ChangeInPlace() is { } change)
                        return $"{Path.GetFileName(file.Name)} {change} while the model was being served from it: what it would answer now is worth nothing, so its worker ends";
                }
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // the worker ends for another reason
        }
        return null;
    }
}

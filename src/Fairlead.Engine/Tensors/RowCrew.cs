namespace Fairlead.Engine.Tensors;

/// <summary>Work on rows that lie one after the other and do not look at each other: of activations, or panels of weights.</summary>
public interface IRowWork
{
    /// <summary>Does rows <paramref name="first"/> to <paramref name="end"/> − 1. Any thread may do them, in any order.</summary>
    void Do(int first, int end);
}

/// <summary>Shares out rows, some at a time: what is done to a row after a matrix product costs little for one row, and as much as the product where a single thread does it for hundreds.</summary>
internal static class RowCrew
{
    /// <summary>Numbers that are worth waking another thread for: some microseconds of one.</summary>
    private const long WorthSharing = 1 << 15;

    /// <summary>Numbers of a part: half a first-level cache, so that what several steps do to a row happens there.</summary>
    private const int PartValues = 1 << 12;

    /// <summary>Does <paramref name="rows"/> rows of <paramref name="width"/> numbers.</summary>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    public static void Run<TWork>(int rows, int width, TWork work, WorkCrew? crew)
        where TWork : struct, IRowWork, allows ref struct
    {
        if (crew is not { Threads: > 1 } || rows == 1 || (long)rows * width < WorthSharing)
        {
            work.Do(0, rows);
            return;
        }

        int each = Math.Max(1, Math.Min(PartValues / width, rows / (crew.Threads * 4)));
        crew.Run((rows + each - 1) / each, new Parts<TWork>(work, rows, each));
    }

    private readonly ref struct Parts<TWork>(TWork work, int rows, int each) : IWork
        where TWork : struct, IRowWork, allows ref struct
    {
        private readonly TWork _work = work;

        public void Do(int part) => _work.Do(part * each, Math.Min(rows, (part + 1) * each));
    }
}

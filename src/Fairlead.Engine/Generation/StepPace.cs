namespace Fairlead.Engine.Generation;

/// <summary>How many rows of prompts a step may take, so that it lasts no longer than it should.</summary>
/// <remarks>
/// While answers are being written, a step takes as long as its answers alone took lately and then as many rows of prompts as fit into what is left of <paramref name="stall"/>, at the
/// price per row that the last prompts had. Half of that time is the prompts' in any case: answers that take nearly all of it by themselves would make a prompt wait for minutes. Where nobody waits for a token it may last five times as long: larger steps are cheaper by the row, but a request that arrives or is
/// taken back waits for the end of the step. How a prompt is cut changes no answer.
/// <para>
/// Both figures rise by half of what a step took longer than they said, and fall by an eighth of what it took less: a step that was slow by chance costs a few small ones after it, one that was
/// quick by chance makes nobody wait. They are estimates, so a step does last longer where the machine becomes slower or a prompt's later rows look back on more. Time comes in as an argument.
/// </para>
/// </remarks>
/// <param name="stall">Longest step while answers are being written. Where the answers alone take more than half of it, half of it is added to them; and the fewest rows are read whatever they take.</param>
internal sealed class StepPace(TimeSpan stall)
{
    /// <summary>A prompt gets on by so many rows whatever they cost: a block of the cache.</summary>
    private const int FewestRows = KvCache.BlockPositions;

    /// <summary>Before anything was measured.</summary>
    private const int FirstRows = 64;

    /// <summary>How much longer a step may be where nobody waits for a token.</summary>
    private const int Alone = 5;

    /// <summary>Of the time that a step may take, so much is the prompts', however long the answers take.</summary>
    private const double LeastTime = 0.5;

    /// <summary>Of a step that also holds answers, at least this share is its prompts': they seem to cost nothing while reading the weights takes longer than computing with them.</summary>
    private const double LeastShare = 1.0 / 16;

    private double _answersSeconds;
    private double _secondsPerRow;

    /// <summary>Rows of prompts for the next step.</summary>
    /// <param name="answers">Answers that have a row in it.</param>
    /// <param name="most">Rows there is room for.</param>
    public int PromptRows(int answers, int most)
    {
        if (stall == TimeSpan.MaxValue)
            return most;
        if (_secondsPerRow <= 0)
            return Math.Min(FirstRows, most);
        double left = answers > 0 ? Math.Max(stall.TotalSeconds - _answersSeconds, stall.TotalSeconds * LeastTime) : stall.TotalSeconds * Alone;
        return (int)Math.Clamp(left / _secondsPerRow, Math.Min(FewestRows, most), most);
    }

    /// <summary>A step was computed, and its tokens chosen.</summary>
    /// <param name="answers">Answers that had a row in it.</param>
    /// <param name="promptRows">Its other rows.</param>
    /// <param name="seconds">How long it took.</param>
    public void Stepped(int answers, int promptRows, double seconds)
    {
        if (promptRows == 0)
            Learn(ref _answersSeconds, seconds);
        else if (promptRows >= FewestRows)
            Learn(ref _secondsPerRow, Math.Max(seconds - (answers > 0 ? _answersSeconds : 0), seconds * LeastShare) / promptRows);
    }

    private static void Learn(ref double known, double measured) =>
        known = known <= 0 ? measured : known + ((measured - known) / (measured > known ? 2 : 8));
}

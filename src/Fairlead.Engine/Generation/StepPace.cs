namespace Fairlead.Engine.Generation;

/// <summary>How many rows of prompts a step may take, so that it lasts no longer than it should.</summary>
/// <remarks>
/// While answers are being written, a step is expected to take as long as its answers alone took lately and then, for each row of a prompt, what a row of the last prompts took. It gets as many
/// rows as leave room for a surprise: the bound is <paramref name="stall"/> over a margin, one and four times the mean deviation of what was expected, which is how TCP sets its timer
/// (RFC 6298). Of 512 steps that were measured on a busy machine three took longer than that allows for.
/// <para>
/// Half of the time is the prompts' in any case: answers that take nearly all of it by themselves would make a prompt wait for minutes. Where nobody waits for a token a step may last five
/// times as long: larger steps are cheaper by the row, but a request that arrives or is taken back waits for the end of the step. How a prompt is cut changes no answer. Time comes in as an argument.
/// </para>
/// </remarks>
/// <param name="stall">Longest step while answers are being written. Where the answers alone take more than half of it, at most half of it is added to them; and the fewest rows are read whatever they take.</param>
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

    /// <summary>Mean deviations that a step may be off before it is too long.</summary>
    private const double Margins = 4;

    private double _answersSeconds;
    private double _secondsPerRow;
    private double _deviation = 1.0 / 16; // of a step's time, as a share of what was expected

    /// <summary>Rows of prompts for the next step.</summary>
    /// <param name="answers">Answers that have a row in it.</param>
    /// <param name="most">Rows there is room for.</param>
    /// <param name="spent">Seconds of this step that have gone by already: those of guessing ahead.</param>
    public int PromptRows(int answers, int most, double spent = 0)
    {
        if (stall == TimeSpan.MaxValue)
            return most;
        if (_secondsPerRow <= 0)
            return Math.Min(FirstRows, most);
        double left = stall.TotalSeconds * Alone;
        if (answers > 0)
        {
            double margin = 1 + (Margins * _deviation);
            left = Math.Max(((stall.TotalSeconds - spent) / margin) - _answersSeconds, stall.TotalSeconds * LeastTime / margin);
        }

        return (int)Math.Clamp(left / _secondsPerRow, Math.Min(FewestRows, most), most);
    }

    /// <summary>A step was computed, and its tokens chosen.</summary>
    /// <param name="answers">Answers that had a row in it.</param>
    /// <param name="promptRows">Its other rows.</param>
    /// <param name="seconds">How long it took, without guessing.</param>
    public void Stepped(int answers, int promptRows, double seconds)
    {
        if (promptRows == 0)
        {
            Estimate.Learn(ref _answersSeconds, seconds);
            return;
        }

        if (promptRows < FewestRows)
            return;
        if (answers > 0 && _secondsPerRow > 0)
            _deviation += (Math.Abs((seconds / (_answersSeconds + (promptRows * _secondsPerRow))) - 1) - _deviation) / 4;
        Estimate.Learn(ref _secondsPerRow, Math.Max(seconds - (answers > 0 ? _answersSeconds : 0), seconds * LeastShare) / promptRows);
    }
}

namespace Fairlead.Engine.Generation;

/// <summary>How many rows of prompts a step may take, so that it lasts no longer than it should.</summary>
/// <remarks>
/// While answers are being written, a step takes as long as its answers alone took lately and then as many rows of prompts as fit into what is left of <paramref name="stall"/>, at the
/// price per row that the last prompts had. Where nobody waits for a token it may last five times as long: larger steps are cheaper by the row, but a request that arrives or is
/// taken back waits for the end of the step. How a prompt is cut changes no answer.
/// </remarks>
/// <param name="stall">Longest step while answers are being written; more only where the fewest rows take more.</param>
internal sealed class StepPace(TimeSpan stall)
{
    /// <summary>A prompt gets on by so many rows whatever they cost: a block of the cache.</summary>
    private const int FewestRows = KvCache.BlockPositions;

    /// <summary>Before anything was measured.</summary>
    private const int FirstRows = 64;

    /// <summary>How much longer a step may be where nobody waits for a token.</summary>
    private const int Alone = 5;

    private double _answersSeconds;
    private double _secondsPerRow;

    /// <summary>Rows of prompts for the next step.</summary>
    /// <param name="answers">Answers that have a row in it.</param>
    /// <param name="most">Rows there is room for.</param>
    public int PromptRows(int answers, int most)
    {
        if (_secondsPerRow <= 0)
            return Math.Min(FirstRows, most);
        double left = answers > 0 ? stall.TotalSeconds - _answersSeconds : stall.TotalSeconds * Alone;
        return (int)Math.Clamp(left / _secondsPerRow, Math.Min(FewestRows, most), most);
    }

    /// <summary>A step was computed.</summary>
    /// <param name="answers">Answers that had a row in it.</param>
    /// <param name="promptRows">Its other rows.</param>
    /// <param name="seconds">How long it took.</param>
    public void Stepped(int answers, int promptRows, double seconds)
    {
        if (promptRows == 0)
            _answersSeconds = _answersSeconds <= 0 ? seconds : (_answersSeconds + seconds) / 2;
        else if (promptRows >= FewestRows)
            Learn(Math.Max(seconds - (answers > 0 ? _answersSeconds : 0), seconds / 16) / promptRows);
    }

    private void Learn(double secondsPerRow) => _secondsPerRow = _secondsPerRow <= 0 ? secondsPerRow : (_secondsPerRow + secondsPerRow) / 2;
}

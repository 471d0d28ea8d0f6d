namespace Fairlead.Engine.Generation;

/// <summary>How far prompts get in a step, so that it lasts no longer than it should.</summary>
/// <remarks>
/// The answers are computed first; what is left of the time is the prompts', whose rows go through one layer after the other until the next one might take too long: it is expected to take what
/// a layer took lately, and may take so much more as leaves room for a surprise, four times the mean deviation of what was expected, which is how TCP sets its timer (RFC 6298).
/// <para>
/// Half of <paramref name="stall"/> is the prompts' in any case: answers that take nearly all of it by themselves would make a prompt wait for minutes. Where nobody waits for a token a step may last
/// five times as long, for a request that arrives or is taken back waits for the end of the step. How a prompt's way is cut changes no answer. Time comes in as an argument.
/// </para>
/// </remarks>
/// <param name="stall">Longest step while answers are being written. Where the answers alone take more than half of it, at most half of it is added to them; and one layer is computed whatever it takes.</param>
internal sealed class StepPace(TimeSpan stall)
{
    /// <summary>A pass has so many rows whatever they cost: a block of the cache.</summary>
    private const int FewestRows = KvCache.BlockPositions;

    /// <summary>Before anything was measured.</summary>
    private const int FirstRows = 64;

    /// <summary>How much longer a step may be where nobody waits for a token.</summary>
    private const int Alone = 5;

    /// <summary>Of the time that a step may take, so much is the prompts', however long the answers take.</summary>
    private const double LeastTime = 0.5;

    /// <summary>Of the time that a step may take, so much is used: whoever reads an answer waits from its token in one step to its token in the next, which comes a little later in some steps than in others.</summary>
    private const double Used = 0.95;

    /// <summary>Steps that a pass is to take beside answers: more rows are cheaper by the row, and who comes later waits for the end of the pass.</summary>
    private const int StepsOfPass = 4;

    /// <summary>Layers that a step is to have room for, or what is left of its time is too little for one more: a model of few layers has its passes shorter for that.</summary>
    private const int LayersOfStep = 4;

    /// <summary>Mean deviations that a layer may be off before a step is too long.</summary>
    private const double Margins = 4;

    private double _answersSeconds;
    private double _secondsPerRow; // through all layers
    private double _secondsPerLayerRow; // in the pass that is under way
    private double _passSecondsPerRow; // so far
    private double _deviation = 1.0 / 16; // of a layer's time, as a share of what was expected
    private double _until;
    private bool _isFirstOfStep;
    private bool _isFirstOfPass;

    /// <summary>The answers of a step have been computed, and their tokens chosen.</summary>
    /// <param name="answers">How many had a row in it.</param>
    /// <param name="seconds">Since the step began.</param>
    public void Answered(int answers, double seconds)
    {
        _isFirstOfStep = true;
        _until = stall.TotalSeconds * Alone;
        if (answers == 0)
            return;
        _until = Math.Max(stall.TotalSeconds * Used, seconds + (stall.TotalSeconds * LeastTime));
        Estimate.Learn(ref _answersSeconds, seconds);
    }

    /// <summary>Begins a pass, and says how many rows it may have.</summary>
    /// <param name="answers">Answers that have a row in this step.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="most">Rows there is room for.</param>
    public int BeginPass(int answers, int layers, int most)
    {
        (_isFirstOfPass, _passSecondsPerRow) = (true, 0);
        if (stall == TimeSpan.MaxValue)
            return most;
        if (_secondsPerRow <= 0)
            return Math.Min(FirstRows, most);
        double seconds = answers == 0
            ? stall.TotalSeconds * Alone
            : Math.Max((stall.TotalSeconds * Used) - _answersSeconds, stall.TotalSeconds * LeastTime) * Math.Clamp((double)layers / LayersOfStep, 1, StepsOfPass);
        return (int)Math.Clamp(seconds / _secondsPerRow, Math.Min(FewestRows, most), most);
    }

    /// <summary>Whether there is time for one layer more.</summary>
    /// <param name="rows">Rows that go through it.</param>
    /// <param name="seconds">Since the step began.</param>
    public bool HasTime(int rows, double seconds) =>
        _isFirstOfStep || stall == TimeSpan.MaxValue || seconds + (rows * _secondsPerLayerRow * (1 + (Margins * _deviation))) <= _until;

    /// <summary>Rows went through a layer.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="seconds">How long it took.</param>
    public void Advanced(int rows, double seconds)
    {
        double perRow = seconds / rows;
        if (_isFirstOfPass)
            _secondsPerLayerRow = perRow; // passes before it had another number of rows
        else if (_secondsPerLayerRow > 0)
            _deviation += (Math.Abs((perRow / _secondsPerLayerRow) - 1) - _deviation) / 8;
        Estimate.Learn(ref _secondsPerLayerRow, perRow);
        _passSecondsPerRow += perRow;
        (_isFirstOfStep, _isFirstOfPass) = (false, false);
    }

    /// <summary>Rows are through.</summary>
    /// <param name="rows">How many; few of them say nothing about many.</param>
    public void PassEnded(int rows)
    {
        if (rows >= FewestRows)
            Estimate.Learn(ref _secondsPerRow, _passSecondsPerRow);
    }
}

namespace Fairlead.Engine.Generation;

/// <summary>How far prompts get in a step, so that whoever reads an answer does not wait for its next token for longer than was asked.</summary>
/// <remarks>
/// The answers are computed first. From the moment their tokens are told until the next ones are there may pass so much time as was asked, and what the next ones need of it is known from those before; what is left
/// is the prompts', whose rows go through one layer after the other, and at last to their scores, until what comes next might take too long. All are expected to take what they took lately, and may take so much more as leaves room for a surprise, four
/// times the mean deviation of what was expected, which is how TCP sets its timer (RFC 6298); the one is late independently of the other, so the squares of their deviations add.
/// <para>
/// Half of <paramref name="stall"/> is the prompts' in any case: answers that take nearly all of it by themselves would make a prompt wait for minutes. Where nobody waits for a token a step may last
/// five times as long, for a request that arrives or is taken back waits for the end of the step. How a prompt's way is cut changes no answer. Time comes in as an argument.
/// </para>
/// </remarks>
/// <param name="stall">Longest time from an answer's token to its next one. Where the answers alone take more than half of it, at most half of it is added to them; and one layer, or the scores, are computed whatever it takes.</param>
internal sealed class StepPace(TimeSpan stall)
{
    /// <summary>A pass has so many rows whatever they cost: a block of the cache.</summary>
    private const int FewestRows = KvCache.BlockPositions;

    /// <summary>Before anything was measured.</summary>
    private const int FirstRows = 64;

    /// <summary>How much longer a step may be where nobody waits for a token.</summary>
    private const int Alone = 5;

    /// <summary>Of the time that was asked, so much is the prompts', however long the answers take.</summary>
    private const double LeastTime = 0.5;

    /// <summary>Of the time that was asked, so much is used: the way from here to whoever reads an answer takes a little longer for some tokens than for others.</summary>
    private const double Used = 0.95;

    /// <summary>Steps that a pass is to take beside answers: more rows are cheaper by the row, and who comes later waits for the end of the pass.</summary>
    private const int StepsOfPass = 4;

    /// <summary>Layers that a step is to have room for, or what is left of its time is too little for one more: a model of few layers has its passes shorter for that.</summary>
    private const int LayersOfStep = 4;

    /// <summary>Mean deviations that answers or a layer may be off before a token is late.</summary>
    private const double Margins = 4;

    /// <summary>Of what was expected, before anything is known of it.</summary>
    private const double FirstDeviation = 1.0 / 16;

    private int _answers;
    private double _answersSeconds;
    private double _answersDeviation = FirstDeviation; // as a share of what was expected
    private double _secondsPerRow; // through all layers
    private double _secondsPerLayerRow; // in the pass that is under way
    private double _passSecondsPerRow; // so far
    private double _layerDeviation = FirstDeviation; // likewise
    private double _scoresSeconds; // of a pass that has some
    private double _scoresDeviation = FirstDeviation; // likewise
    private double _told; // when the answers of the step were, in seconds since it began
    private bool _isFirstOfStep;
    private bool _isFirstOfPass;

    /// <summary>The answers of a step have been computed, and their tokens chosen.</summary>
    /// <param name="answers">How many had a row in it.</param>
    /// <param name="seconds">Since the step began.</param>
    public void Answered(int answers, double seconds)
    {
        (_answers, _told, _isFirstOfStep) = (answers, seconds, true);
        if (answers == 0)
            return;
        LearnDeviation(ref _answersDeviation, _answersSeconds, seconds);
        Estimate.Learn(ref _answersSeconds, seconds);
    }

    /// <summary>Begins a pass, and says how many rows it may have.</summary>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="most">Rows there is room for.</param>
    public int BeginPass(int layers, int most)
    {
        (_isFirstOfPass, _passSecondsPerRow) = (true, 0);
        if (stall == TimeSpan.MaxValue)
            return most;
        if (_secondsPerRow <= 0)
            return Math.Min(FirstRows, most);
        double seconds = _answers == 0
            ? stall.TotalSeconds * Alone
            : Math.Max((stall.TotalSeconds * Used) - AtMost(_answersSeconds, _answersSeconds * _answersDeviation), stall.TotalSeconds * LeastTime) * Math.Clamp((double)layers / LayersOfStep, 1, StepsOfPass);
        return (int)Math.Clamp(seconds / _secondsPerRow, Math.Min(FewestRows, most), most);
    }

    /// <summary>Whether there is time for one layer more.</summary>
    /// <param name="rows">Rows that go through it.</param>
    /// <param name="seconds">Since the step began.</param>
    public bool HasTime(int rows, double seconds) => Fits(rows * _secondsPerLayerRow, _layerDeviation, seconds);

    /// <summary>Whether there is time for what follows the last layer. With a large vocabulary it takes longer than a layer.</summary>
    /// <param name="scores">Rows that want scores; of few rows and of many the weights are read once.</param>
    /// <param name="seconds">Since the step began.</param>
    public bool HasTimeForScores(int scores, double seconds) => scores == 0 || Fits(_scoresSeconds, _scoresDeviation, seconds);

    /// <summary>Rows went through a layer.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="seconds">How long it took.</param>
    public void Advanced(int rows, double seconds)
    {
        double perRow = seconds / rows;
        if (_isFirstOfPass)
            _secondsPerLayerRow = perRow; // passes before it had another number of rows
        else
            LearnDeviation(ref _layerDeviation, _secondsPerLayerRow, perRow);
        Estimate.Learn(ref _secondsPerLayerRow, perRow);
        _passSecondsPerRow += perRow;
        (_isFirstOfStep, _isFirstOfPass) = (false, false);
    }

    /// <summary>Rows are through, and the tokens that follow them chosen.</summary>
    /// <param name="rows">How many; few of them say nothing about many.</param>
    /// <param name="scores">How many of them wanted scores.</param>
    /// <param name="seconds">How long it took from the last layer on.</param>
    public void PassEnded(int rows, int scores, double seconds)
    {
        _isFirstOfStep = false;
        if (rows >= FewestRows)
            Estimate.Learn(ref _secondsPerRow, _passSecondsPerRow);
        if (scores == 0)
            return;
        LearnDeviation(ref _scoresDeviation, _scoresSeconds, seconds);
        Estimate.Learn(ref _scoresSeconds, seconds);
    }

    private bool Fits(double expected, double deviation, double seconds)
    {
        if (_isFirstOfStep || stall == TimeSpan.MaxValue)
            return true;
        double spent = seconds - _told, off = expected * deviation;
        if (_answers == 0)
            return spent + AtMost(expected, off) <= stall.TotalSeconds * Alone;
        return spent + AtMost(expected, off) <= stall.TotalSeconds * LeastTime
            || spent + AtMost(expected + _answersSeconds, double.Hypot(off, _answersSeconds * _answersDeviation)) <= stall.TotalSeconds * Used;
    }

    private static double AtMost(double expected, double off) => expected + (Margins * off);

    private static void LearnDeviation(ref double deviation, double expected, double measured)
    {
        if (expected > 0)
            deviation += (Math.Abs((measured / expected) - 1) - deviation) / 8;
    }
}

using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>Who waits for a token beside prompts waits no longer than was asked, and they get on all the same.</summary>
public sealed class StepPaceTests
{
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void Before_anything_is_known_a_pass_has_a_moderate_number_of_rows_and_its_second_layer_is_known()
    {
        var pace = new StepPace(Stall);
        pace.Answered(answers: 3, seconds: 0.02);
        Assert.Equal(10, pace.BeginPass(layers: 8, most: 10));
        Assert.Equal(64, pace.BeginPass(layers: 8, most: 500));
        Assert.True(pace.HasTime(rows: 64, seconds: 0.02));
        pace.Advanced(rows: 64, seconds: 0.05);
        Assert.False(pace.HasTime(rows: 64, seconds: 0.07));
    }

    [Fact]
    public void Where_nobody_waits_for_a_token_a_step_may_be_five_times_as_long_and_is_one_pass()
    {
        var machine = new Machine(Answers: 0, Row: 0.002);
        machine.Run(answers: 0, passes: 3, out double longest);
        Assert.Equal(250, machine.Rows[^1]);
        Assert.InRange(longest, 0.45, 0.5);
        Assert.Equal(200, new Machine(Answers: 0, Row: 0.002) { Most = 200 }.Run(answers: 0, passes: 3, out _).Rows[^1]);
    }

    [Fact]
    public void A_prompt_gets_on_by_a_layer_of_a_block_however_slow_the_model_is()
    {
        Machine machine = new Machine(Answers: 0.5, Row: 0.2, Layers: 32).Run(answers: 8, passes: 1, out _).Run(answers: 8, passes: 3, out double longest);
        Assert.Equal(16, machine.Rows[^1]); // 100 ms a layer
        Assert.InRange(longest, 0.599, 0.601);
        Assert.Equal(9, new Machine(Answers: 0.5, Row: 0.2, Layers: 32) { Most = 9 }.Run(answers: 8, passes: 3, out _).Rows[^1]);
    }

    [Fact]
    public void Answers_that_take_all_of_the_time_leave_a_prompt_half_of_it_all_the_same()
    {
        var machine = new Machine(Answers: 0.095, Row: 0.001);
        machine.Run(answers: 8, passes: 3, out _);
        machine.Run(answers: 8, passes: 20, out double longest);
        Assert.InRange(longest, 0.12, 0.145);
    }

    [Fact]
    public void Without_a_bound_a_step_takes_what_there_is_room_for()
    {
        var pace = new StepPace(TimeSpan.MaxValue);
        pace.Answered(answers: 3, seconds: 1000);
        Assert.Equal(500, pace.BeginPass(layers: 2, most: 500));
        pace.Advanced(rows: 500, seconds: 1000);
        Assert.True(pace.HasTime(rows: 500, seconds: 2000));
    }

    [Theory]
    [InlineData(0.040, 0.0025, 0, 24, 0.5)] // half a billion parameters on two slow cores
    [InlineData(0.012, 0.0011, 0, 24, 0.75)] // on two quick ones
    [InlineData(0.035, 0.0016, 0.060, 24, 0.48)] // by tiles, for which all weights are expanded: 16 rows in a step would be a fifth
    [InlineData(0.002, 0.00001, 0, 24, 0.005)] // a model so small that everything fits
    [InlineData(0.090, 0.0100, 0, 32, 0.3)] // hardly any room
    [InlineData(0.200, 0.0010, 0, 32, 0.15)] // none at all
    [InlineData(0.020, 0.0010, 0, 2, 0.35)] // two layers: half of the time is left over
    public void No_token_is_late_and_a_prompt_is_read_at_a_fair_share_of_its_speed_alone(double answers, double row, double pass, int layers, double share)
    {
        var machine = new Machine(answers, row, pass, layers);
        machine.Run(answers: 0, passes: 2, out _);
        double before = machine.Seconds;
        int first = machine.Rows.Count;
        machine.Run(answers: 8, passes: 30, out double longest);
        Assert.InRange(longest, 0, Math.Max(0.1, answers + 0.05));
        double perSecond = machine.Rows.Skip(first).Sum() / (machine.Seconds - before);
        Assert.InRange(perSecond, share / (row + (pass / 512)), 1 / row);
    }

    [Fact]
    public void Who_comes_while_a_pass_is_under_way_waits_for_some_five_steps_at_most()
    {
        var machine = new Machine(Answers: 0.035, Row: 0.0016, Pass: 0.06);
        machine.Run(answers: 8, passes: 30, out _);
        Assert.InRange(machine.StepsOfPasses.Skip(10).Max(), 2, 6);
    }

    [Fact]
    public void A_machine_that_becomes_slower_is_believed_within_a_layer()
    {
        var machine = new Machine(Answers: 0.02, Row: 0.001);
        machine.Run(answers: 8, passes: 20, out _);
        machine.Slowness = 3;
        machine.Run(answers: 8, passes: 1, out double longest);
        Assert.InRange(longest, 0.06, 0.115); // one layer that was not expected
        machine.Run(answers: 8, passes: 20, out longest);
        Assert.InRange(longest, 0.06, 0.11); // half of the time, and answers that take 60 ms
    }

    [Theory]
    [InlineData(0, 0.8)]
    [InlineData(0.05, 0.75)]
    [InlineData(0.15, 0.6)]
    [InlineData(0.3, 0.5)]
    public void What_varies_makes_a_token_late_once_in_a_thousand_times_and_a_prompt_still_gets_on(double spread, double share)
    {
        var machine = new Machine(Answers: 0.020, Row: 0.0005) { Spread = spread, Random = new Random(1) };
        machine.Run(answers: 8, passes: 10, out _);
        (int late, int steps, double before) = (machine.Late, machine.Steps, machine.Seconds);
        int first = machine.Rows.Count;
        machine.Run(answers: 8, passes: 1000, out _);
        Assert.InRange(machine.Late - late, 0, (machine.Steps - steps) / 1000);
        Assert.InRange(machine.Rows.Skip(first).Sum() / (machine.Seconds - before), share * 0.8 / 0.0005, 1 / 0.0005);
    }

    [Theory]
    [InlineData(0, 0.04, 0.1)]
    [InlineData(0.1, 0.02, 0.105)]
    [InlineData(0, 0.15, 0.17)] // longer than was asked: not beside anything but the answers
    public void Scores_that_take_long_wait_for_a_step_that_has_time_for_them(double spread, double scores, double most)
    {
        var machine = new Machine(Answers: 0.015, Row: 0.001) { Scores = scores, Spread = spread };
        machine.Run(answers: 8, passes: 10, out _);
        machine.Run(answers: 8, passes: 100, out double longest);
        Assert.InRange(longest, 0, most);
    }

    /// <summary>What the loop does with a pace, on a machine that takes so long: seconds of all answers, of a row through all layers, and of a pass beside its rows.</summary>
    private sealed record Machine(double Answers, double Row, double Pass = 0, int Layers = 24)
    {
        private readonly StepPace _pace = new(Stall);

        public int Most { get; init; } = 512;

        /// <summary>Seconds of a pass' scores.</summary>
        public double Scores { get; init; }

        public double Spread { get; init; }

        public Random Random { get; init; } = new(1);

        public double Slowness { get; set; } = 1;

        public List<int> Rows { get; } = [];

        public List<int> StepsOfPasses { get; } = [];

        public int Steps { get; private set; }

        /// <summary>Tokens that came later after those before them than was asked.</summary>
        public int Late { get; private set; }

        public double Seconds { get; private set; }

        /// <param name="longest">Seconds from tokens to the next ones, or of a step where there are no answers.</param>
        public Machine Run(int answers, int passes, out double longest)
        {
            longest = 0;
            double sinceTokens = 0;
            for (int pass = 0; pass < passes; pass++)
            {
                int rows = 0;
                bool hasScores = false;
                for (int layer = 0, steps = 1; !hasScores; Steps++, steps++) // one pass of them at most
                {
                    double seconds = answers > 0 ? Varied(Answers) : 0;
                    double told = seconds, wait = sinceTokens + seconds;
                    longest = Math.Max(longest, wait);
                    Late += wait > Stall.TotalSeconds ? 1 : 0;
                    _pace.Answered(answers, seconds);
                    if (rows == 0)
                        Rows.Add(rows = _pace.BeginPass(Layers, Most));
                    for (; layer < Layers && _pace.HasTime(rows, seconds); layer++)
                    {
                        double layers = Varied(((rows * Row) + Pass) / Layers);
                        _pace.Advanced(rows, layers);
                        seconds += layers;
                    }

                    if (layer == Layers && _pace.HasTimeForScores(scores: 1, seconds))
                    {
                        double scores = Varied(Scores);
                        _pace.PassEnded(rows, scores: 1, scores);
                        seconds += scores;
                        hasScores = true;
                        StepsOfPasses.Add(steps);
                    }

                    sinceTokens = seconds - told;
                    Seconds += seconds;
                }
            }

            longest = Math.Max(longest, answers > 0 ? 0 : sinceTokens);
            return this;
        }

        private double Varied(double seconds)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - Random.NextDouble())) * Math.Cos(2 * Math.PI * Random.NextDouble());
            return seconds * Slowness * Math.Exp(Spread * normal);
        }
    }
}

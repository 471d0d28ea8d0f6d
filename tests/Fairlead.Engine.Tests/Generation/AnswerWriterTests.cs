using System.Threading.Channels;
using Fairlead.Engine.Generation;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>What an answer is made of: where it ends, and the log-probabilities of its tokens and of an echoed prompt.</summary>
public sealed class AnswerWriterTests
{
    [Fact]
    public void An_end_token_ends_the_answer_without_being_told_and_a_stop_string_without_any_of_its_text()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest free = Request(3, prompt: 5, max: 40);
        int[] whole = Expected(free);
        int end = whole[12];
        int first = Array.IndexOf(whole, end);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, free with { EndTokens = [end] });
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(whole[..first], answers.Ids());
        Assert.Equal((FinishReason.Stop, end, first + 1), (answers.End().Reason, answers.End().EndToken, answers.End().CompletionTokens));

        string stop = RememberingModel.Text(whole[20..23]);
        int at = RememberingModel.Text(whole).IndexOf(stop, StringComparison.Ordinal);
        (_, events) = Start(loop, free with { Stop = [stop, "never" + stop] });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(whole[..at], answers.Ids());
        Assert.Equal(RememberingModel.Text(whole[..at]), answers.Text());
        Assert.Equal((FinishReason.Stop, stop, at + 3), (answers.End().Reason, answers.End().Stop, answers.End().CompletionTokens));

        (_, events) = Start(loop, free with { EndTokens = [end], MinTokens = 40 });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((FinishReason.Length, 40), (answers.End().Reason, answers.Ids().Length));
        Assert.DoesNotContain(end, answers.Ids());
    }

    [Fact]
    public void Log_probabilities_are_the_models_own_whatever_penalties_and_temperature_do()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest request = Request(4, prompt: 20, max: 25) with { Logprobs = true, TopLogprobs = 5 };
        request = request with { Sampling = request.Sampling with { FrequencyPenalty = 1, LogitBias = [(3, 5)], Temperature = 1.4f, TopP = 0.9f } };
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        List<int> before = [.. request.Prompt];
        Assert.Equal(Expected(request), answers.Ids());
        foreach (AnswerToken token in answers.Tokens())
        {
            AssertLogprobs(before, token, top: 5);
            before.Add(token.Id);
        }
    }

    [Fact]
    public void An_echoed_prompt_comes_first_with_its_text_and_log_probabilities()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        GenerationRequest request = Request(6, prompt: 50, max: 4) with { Echo = true, Logprobs = true, TopLogprobs = 2, Choices = 2 };
        Start(loop, request); // so that there is a prefix that must not be taken
        RunToEnd(loop);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        for (int choice = 0; choice < 2; choice++)
        {
            AnswerToken[] tokens = answers.Tokens(choice);
            int[] expected = [.. request.Prompt, .. RememberingModel.Continue(request, 6, choice, 4)];
            Assert.Equal(expected, tokens.Select(static token => token.Id));
            Assert.Equal(RememberingModel.Text(expected), answers.Text(choice));
            Assert.Null(tokens[0].Logprob);
            for (int i = 1; i < tokens.Length; i++)
                AssertLogprobs(expected[..i], tokens[i], top: 2);
        }

        (_, events) = Start(loop, request with { MaxTokens = 0, Choices = 1, Logprobs = false, TopLogprobs = 0 });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((RememberingModel.Text(request.Prompt), FinishReason.Length, 0), (answers.Text(), answers.End().Reason, answers.Whole.CompletionTokens));
        AssertNothingIsHeld(loop);
    }

    private static void AssertLogprobs(IEnumerable<int> before, AnswerToken token, int top)
    {
        var scores = new float[RememberingModel.Vocabulary];
        RememberingModel.Score(RememberingModel.Hash(before), scores);
        double logSum = Math.Log(scores.Sum(static score => Math.Exp(score)));
        Assert.Equal(scores[token.Id] - logSum, token.Logprob ?? double.NaN, 1e-5);
        int[] best = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(top)];
        Assert.Equal(best, token.Top.Select(static other => other.Id));
        Assert.All(token.Top, other => Assert.Equal(scores[other.Id] - logSum, other.Logprob, 1e-5));
    }
}

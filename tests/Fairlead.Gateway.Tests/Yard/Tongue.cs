using Fairlead.Domain.Inference;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>What an answer is made of in one dialect, so that one test can let a wall say the same in either.</summary>
/// <param name="Begin">What stands before the first word of a stream; 11 tokens in where the dialect says so there.</param>
/// <param name="BeginBare">The same without a word about tokens.</param>
/// <param name="Word">A piece of text.</param>
/// <param name="Reason">Why it ended, without a word about tokens.</param>
/// <param name="Usage">Why it ended and how many tokens went in and came out.</param>
/// <param name="Stop">What closes a stream.</param>
/// <param name="Full">A whole answer: 11 tokens in, 7 out.</param>
/// <param name="Good">A good answer, streamed or whole as asked.</param>
internal sealed record Tongue(
    string Begin, string BeginBare, Func<string, string> Word, string Reason, Func<int, int, string> Usage, string Stop, Func<string, string> Full, FaultWall.Script Good)
{
    private static readonly string Role = Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"\"}");

    private static readonly Tongue OpenAi = new(
        Role, Role, static text => Scripts.Chunk($"{{\"content\":\"{text}\"}}"), Scripts.Finish(), static (input, output) => Scripts.Finish() + Scripts.Usage(input, output), Scripts.Done, Scripts.Full,
        Scripts.Good());

    private static readonly Tongue Anthropic = new(
        AnthropicScripts.Start, AnthropicScripts.Started(""), AnthropicScripts.Text, AnthropicScripts.Ended(""),
        static (input, output) => AnthropicScripts.Ended($",\"usage\":{{\"input_tokens\":{input},\"output_tokens\":{output}}}"), AnthropicScripts.Stop, AnthropicScripts.Whole, AnthropicScripts.Good());

    public static Tongue Of(Dialect dialect) => dialect == Dialect.Anthropic ? Anthropic : OpenAi;
}

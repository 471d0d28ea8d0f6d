using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.Dialects;

/// <summary>Answers, by what the upstream speaks and the door they leave by: the one place that knows which pairs there are.</summary>
public static class AnswerDialects
{
    /// <summary>A reader for a streamed answer.</summary>
    /// <param name="expected">The request; says both dialects.</param>
    /// <param name="framing">How the upstream's body is divided.</param>
    public static AnswerStream Open(in StreamExpectations expected, StreamFraming framing) => (expected.Spoken, expected.Route.Dialect()) switch
    {
        (Dialect.OpenAi, Dialect.OpenAi) => new ChunkStream(expected, framing),
        (Dialect.OpenAi, Dialect.Anthropic) => ChunksToBlocks.Open(expected, framing),
        (Dialect.Anthropic, _) => new MessagesStream(expected), // always server-sent events
        var (spoken, door) => throw new NotSupportedException($"No translation of streams from {spoken} to {door}."),
    };

    /// <summary>Checks a whole body that came with a 2xx, in the dialect of its upstream.</summary>
    public static AnswerCheck Check(ReadOnlySpan<byte> body, in StreamExpectations expected) => expected.Spoken switch
    {
        Dialect.OpenAi when expected.Route.Dialect() == Dialect.Anthropic => CompletionToMessage.Check(body, expected),
        Dialect.OpenAi => WholeAnswer.Check(expected.Route, body, expected),
        Dialect.Anthropic => MessagesWhole.Check(body, expected),
        var spoken => throw new NotSupportedException($"No check of {spoken}'s answers."),
    };

    /// <summary>Writes a whole answer for the caller, in the dialect of its door.</summary>
    /// <param name="body">As checked.</param>
    /// <param name="check">Its result, without a fault.</param>
    /// <param name="expected">The request; says both dialects.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in StreamExpectations expected, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        switch (expected.Spoken, expected.Route.Dialect())
        {
            case (Dialect.OpenAi, Dialect.OpenAi):
                WholeAnswer.Write(body, check, usage, cost, output);
                break;
            case (Dialect.OpenAi, Dialect.Anthropic):
                CompletionToMessage.Write(body, check, expected, usage, cost, output);
                break;
            case (Dialect.Anthropic, Dialect.Anthropic):
                MessagesWhole.Write(body, check, usage, cost, output);
                break;
            case (Dialect.Anthropic, Dialect.OpenAi):
                MessageToCompletion.Write(body, check, expected, usage, cost, output);
                break;
            case var (spoken, door):
                throw new NotSupportedException($"No translation of answers from {spoken} to {door}.");
        }
    }

    /// <summary>Appends an error's body.</summary>
    public static void WriteError(Dialect door, Problem problem, string requestId, PooledBuffer output)
    {
        if (door == Dialect.Anthropic)
            ErrorEnvelope.Write(output, problem, requestId);
        else
            ErrorObject.Write(output, problem, requestId);
    }

    /// <summary>Appends an error as the last event of a stream; nothing may follow it.</summary>
    public static void WriteErrorEvent(Dialect door, Problem problem, string requestId, PooledBuffer output)
    {
        if (door == Dialect.Anthropic)
            output.Append("event: error\n"u8);
        output.Append("data: "u8);
        WriteError(door, problem, requestId, output);
        output.Append("\n\n"u8);
    }
}

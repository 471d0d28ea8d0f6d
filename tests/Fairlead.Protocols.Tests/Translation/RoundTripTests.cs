using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Ten thousand random conversations go from one dialect to the other and back, and keep every part that both can say, in its order.</summary>
public sealed class RoundTripTests
{
    private const int Talks = 10_000;

    [Fact]
    public void From_chat_to_messages_and_back()
    {
        for (int i = 0; i < Talks; i++)
        {
            int seed = Fuzz.Seed + i;
            string chat = new RandomTalk(seed).AsChat();
            List<Said> said = RandomTalk.OfChat(chat);
            string messages = Told(Route.Chat, chat, Translated.Old, seed);
            // A limit must be named there; where none was, it is ours.
            Holds(seed, chat, messages, said, RandomTalk.OfMessages(messages), limited: said.Exists(static s => s.Who == "max_tokens"));
            string back = Told(Route.Messages, messages, "up/stream", seed);
            Holds(seed, messages, back, RandomTalk.OfMessages(messages), RandomTalk.OfChat(back), limited: true);
        }
    }

    [Fact]
    public void From_messages_to_chat_and_back()
    {
        for (int i = 0; i < Talks; i++)
        {
            int seed = Fuzz.Seed + Talks + i;
            string messages = new RandomTalk(seed).AsMessages();
            string chat = Told(Route.Messages, messages, "up/stream", seed);
            Holds(seed, messages, chat, RandomTalk.OfMessages(messages), RandomTalk.OfChat(chat), limited: true);
            string back = Told(Route.Chat, chat, Translated.Old, seed);
            Holds(seed, chat, back, RandomTalk.OfChat(chat), RandomTalk.OfMessages(back), limited: true);
        }
    }

    [Fact]
    public void The_conversations_say_everything_that_both_can()
    {
        var kinds = Enumerable.Range(0, 500).SelectMany(static i => RandomTalk.OfChat(new RandomTalk(Fuzz.Seed + i).AsChat())).ToLookup(static said => said.Who);
        Assert.All(
            ["system", "user", "assistant", "call", "result", "image", "link", "file", "max_tokens", "temperature", "stop", "user", "schema", "stream", "tool", "choice", "parallel"],
            kind => Assert.True(kinds[kind].Count() > 20, kind));
        Assert.Equal(["any", "auto", "f", "none"], kinds["choice"].Select(static said => said.What).Distinct().Order());
    }

    /// <summary>The request in the other dialect; nothing of it is bound, lost or adapted.</summary>
    private static string Told(Route route, string body, string model, int seed)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        ScannedRequest? scanned = RequestDialects.Scan(route, bytes, RequestLimits.Default, out Problem? problem);
        Assert.True(scanned is not null, $"seed {seed}: {problem?.Message} {body}");
        BodyEdits edits = route == Route.Chat ? Translated.Edits(model) : new BodyEdits(model, true, RequestQuirks.None) { Spoken = Dialect.OpenAi };
        using var output = new PooledBuffer();
        RequestDialects.Write(bytes, scanned!, edits, output);
        string? named = scanned!.Request.BoundToDialect ?? RequestDialects.Adapted(scanned, bytes, edits);
        Assert.True(named is null, $"seed {seed}: '{named}' is named, of {body}");
        return Encoding.UTF8.GetString(output.Span);
    }

    private static void Holds(int seed, string from, string to, List<Said> before, List<Said> after, bool limited)
    {
        if (!limited)
            after.RemoveAll(static s => s.Who == "max_tokens");
        if (before.SequenceEqual(after))
            return;
        int at = before.Zip(after).TakeWhile(static pair => pair.First == pair.Second).Count();
        Assert.Fail($"seed {seed}: {before.ElementAtOrDefault(at)} became {after.ElementAtOrDefault(at)}\n{from}\n{to}");
    }
}

using System.CommandLine;

namespace Fairlead.Verbs;

internal static class ChatVerb
{
    public static Command Make()
    {
        var model = new Argument<string?>("model") { Description = "Model, alias or provider/model.", Arity = ArgumentArity.ZeroOrOne };
        var verb = new Verb(
            "chat", "Talk to a model. /model NAME changes it, /cost tells what it cost, /retry asks again, /save FILE writes the talk down, /bye ends.",
            "fairlead chat", "fairlead chat meta-llama/Llama-3.1-8B-Instruct -s \"Be brief\"")
        {
            model, ChatOptions.Model, ChatOptions.System, ChatOptions.KeyFile,
        };
        verb.SetAction((parsed, stop) => ChatSession.RunAsync(parsed, async session =>
        {
            if (parsed.GetValue(model) is { } named)
                session.Model = named;
            int last = ExitCodes.Ok;
            await Console.Error.WriteLineAsync($"Talking to {Terminal.Safe(session.Model)}. /bye ends, /model NAME changes the model.");
            while (true)
            {
                if (!Console.IsInputRedirected)
                    await Console.Error.WriteAsync("> ");
                string? line = await Console.In.ReadLineAsync(stop);
                switch (line?.Trim())
                {
                    case null or "/bye" or "/exit" or "/quit":
                        return Console.IsInputRedirected ? last : ExitCodes.Ok; // a script wants to know, a person has seen it
                    case "":
                        continue;
                    case "/cost":
                        await Console.Error.WriteLineAsync($"${session.Cost} so far");
                        continue;
                    case "/retry":
                        last = await session.RetryAsync(stop);
                        continue;
                    case var command when command.StartsWith("/model ", StringComparison.Ordinal):
                        session.Model = command[7..].Trim();
                        continue;
                    case var command when command.StartsWith("/save ", StringComparison.Ordinal):
                        await SaveAsync(session, command[6..].Trim(), stop);
                        continue;
                    case var command when command.StartsWith('/') && !command.Contains(' '):
                        // Sent to a model it would cost money and help nobody.
                        await Console.Error.WriteLineAsync($"'{Terminal.Safe(command)}' is not known here. Known: /model NAME, /cost, /retry, /save FILE, /bye.");
                        continue;
                    case var said:
                        last = await session.SayAsync(said, null, stop);
                        if (last is ExitCodes.Auth)
                            return last;
                        continue;
                }
            }
        }));
        return verb;
    }

    private static async Task SaveAsync(ChatSession session, string path, CancellationToken stop)
    {
        try
        {
            await File.WriteAllTextAsync(path, session.Transcript(), stop);
            await Console.Error.WriteLineAsync($"Saved to {Terminal.Safe(path)}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"Not saved: {Terminal.Safe(e.Message)} Choose another path.");
        }
    }
}

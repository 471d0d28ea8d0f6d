using System.CommandLine;

namespace Fairlead.Verbs;

internal static class ChatVerb
{
    public static Command Make()
    {
        var model = new Argument<string?>("model") { Description = "Model, alias or provider/model.", Arity = ArgumentArity.ZeroOrOne };
        var verb = new Command("chat", "Talk to a model. /model NAME changes it, /cost tells what it cost, /retry asks again, /save FILE writes the talk down, /bye ends.\n\nExamples:\n  fairlead chat\n  fairlead chat meta-llama/Llama-3.1-8B-Instruct -s \"Be brief\"") { model, ChatOptions.Model, ChatOptions.System, ChatOptions.Key };
        verb.SetAction((parsed, stop) => ChatSession.RunAsync(parsed, async session =>
        {
            if (parsed.GetValue(model) is { } named)
                session.Model = named;
            await Console.Error.WriteLineAsync($"Talking to {Terminal.Safe(session.Model)}. /bye ends, /model NAME changes the model.");
            while (true)
            {
                if (!Console.IsInputRedirected)
                    await Console.Error.WriteAsync("> ");
                string? line = await Console.In.ReadLineAsync(stop);
                switch (line?.Trim())
                {
                    case null or "/bye" or "/exit" or "/quit":
                        return ExitCodes.Ok;
                    case "":
                        continue;
                    case "/cost":
                        await Console.Error.WriteLineAsync($"${session.Cost} so far");
                        continue;
                    case "/retry":
                        await session.RetryAsync(stop);
                        continue;
                    case var command when command.StartsWith("/model ", StringComparison.Ordinal):
                        session.Model = command[7..].Trim();
                        continue;
                    case var command when command.StartsWith("/save ", StringComparison.Ordinal):
                        await File.WriteAllTextAsync(command[6..].Trim(), session.Transcript(), stop);
                        continue;
                    case var said:
                        int code = await session.SayAsync(said, null, stop);
                        if (code is ExitCodes.Auth or ExitCodes.Unavailable)
                            return code;
                        continue;
                }
            }
        }));
        return verb;
    }
}

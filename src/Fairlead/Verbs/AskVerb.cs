using System.CommandLine;
using System.Text.Json.Nodes;

namespace Fairlead.Verbs;

internal static class AskVerb
{
    public static Command Make()
    {
        var prompt = new Argument<string?>("prompt") { Description = "What to ask; standard input is added to it.", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--file", "-f") { Description = "A text file to add to the question." };
        var schema = new Option<string?>("--json-schema") { Description = "File with a JSON schema that the answer must keep to." };
        var verb = new Command("ask", "Ask once and print the answer, and nothing else, on standard output.\n\nExamples:\n  fairlead ask \"What is a fairlead?\"\n  git diff | fairlead ask \"Write a commit message\" -m chat-default") { prompt, ChatOptions.Model, ChatOptions.System, ChatOptions.Key, file, schema };
        verb.SetAction((parsed, stop) => ChatSession.RunAsync(parsed, async session =>
        {
            var parts = new List<string>();
            if (parsed.GetValue(prompt) is { } text)
                parts.Add(text);
            if (parsed.GetValue(file) is { } path)
                parts.Add(await File.ReadAllTextAsync(path, stop));
            if (Console.IsInputRedirected && await Console.In.ReadToEndAsync(stop) is { Length: > 0 } piped)
                parts.Add(piped);
            if (parts.Count == 0)
            {
                await Console.Error.WriteLineAsync("Nothing was asked. Give a question, a file with -f, or pipe one in.");
                return ExitCodes.Usage;
            }
            JsonNode? format = parsed.GetValue(schema) is { } schemaPath
                ? new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "answer", ["strict"] = true, ["schema"] = JsonNode.Parse(await File.ReadAllTextAsync(schemaPath, stop)) } }
                : null;
            return await session.SayAsync(string.Join("\n\n", parts), format, stop);
        }));
        return verb;
    }
}

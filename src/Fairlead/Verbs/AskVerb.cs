using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Verbs;

internal static class AskVerb
{
    public static Command Make()
    {
        var prompt = new Argument<string?>("prompt") { Description = "What to ask; piped standard input is added to it.", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--file", "-f") { Description = "A text file to add to the question." };
        var schema = new Option<string?>("--json-schema") { Description = "File with a JSON schema that the answer must keep to." };
        var verb = new Verb(
            "ask", "Ask once and print the answer, and nothing else, on standard output. With --json: id, model, provider, content and cost_usd.",
            "fairlead ask \"What is a fairlead?\"", "git diff | fairlead ask \"Write a commit message\" -m chat-default")
        {
            prompt, ChatOptions.Model, ChatOptions.System, ChatOptions.KeyFile, file, schema,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            var parts = new List<string>();
            JsonNode? format = null;
            try
            {
                if (parsed.GetValue(prompt) is { } text)
                    parts.Add(text);
                if (parsed.GetValue(file) is { } path)
                    parts.Add(await File.ReadAllTextAsync(path, stop));
                if (parsed.GetValue(schema) is { } schemaPath)
                    format = Format(await File.ReadAllTextAsync(schemaPath, stop));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"{Terminal.Safe(e.Message)} Check the path and its owner.");
                return ExitCodes.Usage;
            }
            catch (JsonException e)
            {
                await Console.Error.WriteLineAsync($"{Terminal.Safe(parsed.GetValue(schema))} is not JSON (line {e.LineNumber + 1}). A JSON schema is expected.");
                return ExitCodes.Usage;
            }
            if (Console.IsInputRedirected && await Console.In.ReadToEndAsync(stop) is { Length: > 0 } piped)
                parts.Add(piped);
            if (parts.Count == 0)
            {
                await Console.Error.WriteLineAsync("Nothing was asked. Give a question, a file with -f, or pipe one in.");
                return ExitCodes.Usage;
            }
            return await ChatSession.RunAsync(parsed, session => session.SayAsync(string.Join("\n\n", parts), format, stop));
        });
        return verb;
    }

    private static JsonObject Format(string schema) => new()
    {
        ["type"] = "json_schema",
        ["json_schema"] = new JsonObject { ["name"] = "answer", ["strict"] = true, ["schema"] = JsonNode.Parse(schema) },
    };
}

using System.CommandLine;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Verbs;

internal static class ConfigVerb
{
    public static Command Make()
    {
        var validate = new Verb("validate", "Check the configuration without starting anything.", "fairlead config validate", "fairlead config validate --config fairlead.yaml --json");
        validate.SetAction(Validate);
        var schema = new Verb("schema", "Print the JSON schema for editors.", "fairlead config schema", "fairlead config schema > fairlead.schema.json");
        schema.SetAction(static _ => Console.Out.Write(SchemaWriter.JsonSchema()));
        var reference = new Verb("reference", "Print the reference page.", "fairlead config reference", "fairlead config reference > configuration.md");
        reference.SetAction(static _ => Console.Out.Write(SchemaWriter.ReferencePage()));
        return new Verb("config", "Check and describe the configuration.", "fairlead config validate", "fairlead config schema") { validate, schema, reference };
    }

    private static int Validate(ParseResult parsed)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(CommonOptions.Sources(parsed));
        if (parsed.GetValue(CommonOptions.Json))
        {
            var report = new JsonObject
            {
                ["valid"] = loaded.Settings is not null,
                ["file"] = loaded.File,
                ["errors"] = new JsonArray([.. loaded.Errors.Select(static e => (JsonNode)new JsonObject { ["source"] = e.Source, ["line"] = e.Line, ["message"] = e.Message })]),
                ["warnings"] = new JsonArray([.. loaded.Warnings.Select(static w => (JsonNode)w)]),
            };
            Console.Out.WriteLine(report.ToJsonString());
        }
        else
        {
            foreach (string warning in loaded.Warnings)
                Console.Error.WriteLine($"warning: {warning}");
            foreach (ConfigurationError error in loaded.Errors)
                Console.Error.WriteLine(error);
            if (loaded.Settings is { } settings)
                Console.Out.WriteLine($"{loaded.File ?? "No file; the defaults"}: valid. providers: {settings.Providers.Length}, aliases: {settings.Aliases.Length}, keys: {settings.Keys.Length}.");
        }
        return loaded.Settings is null ? ExitCodes.Configuration : ExitCodes.Ok;
    }
}

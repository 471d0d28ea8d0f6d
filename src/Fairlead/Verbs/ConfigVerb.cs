using System.CommandLine;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Verbs;

internal static class ConfigVerb
{
    public static Command Make()
    {
        var validate = new Command("validate", "Check the configuration without starting anything.\n\nExamples:\n  fairlead config validate --config fairlead.yaml");
        validate.SetAction(Validate);
        var schema = new Command("schema", "Print the JSON schema for editors.");
        schema.SetAction(static _ => Console.Out.Write(SchemaWriter.JsonSchema()));
        var reference = new Command("reference", "Print the reference page.");
        reference.SetAction(static _ => Console.Out.Write(SchemaWriter.ReferencePage()));
        return new Command("config", "Check and describe the configuration.") { validate, schema, reference };
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
                Console.Out.WriteLine($"{loaded.File ?? "No file; the defaults"}: valid. {settings.Providers.Length} providers, {settings.Aliases.Length} aliases, {settings.Keys.Length} keys.");
        }
        return loaded.Settings is null ? ExitCodes.Configuration : ExitCodes.Ok;
    }
}

using System.Text.Json;
using Fairlead.Engine.Constraints;

namespace Fairlead.Worker.Requests;

/// <summary>What form an answer must have: <c>response_format</c> in every spelling that the engine reads, and vLLM's <c>guided_json</c> and <c>guided_regex</c>.</summary>
internal static class AnswerFormat
{
    /// <summary>Null where any text will do. A schema is always kept to, whatever <c>strict</c> says.</summary>
    public static ConstraintSpec? Read(FieldReader fields)
    {
        JsonElement? guidedJson = fields.Object("guided_json");
        string? guidedRegex = fields.Text("guided_regex");
        if (fields.Object("response_format") is not { } format)
            return guidedJson is { } schema ? new ConstraintSpec.JsonSchema(schema.GetRawText()) : guidedRegex is not null ? new ConstraintSpec.Regex(guidedRegex) : null;
        if (guidedJson is not null || guidedRegex is not null)
            fields.Refuse("response_format", "'response_format' and a guided_* field both say what form the answer must have. Send one of them.");
        try
        {
            return ConstraintSpec.Parse(format);
        }
        catch (ConstraintException e)
        {
            fields.Refuse("response_format", $"'response_format': {e.Message}.");
            return null;
        }
    }
}

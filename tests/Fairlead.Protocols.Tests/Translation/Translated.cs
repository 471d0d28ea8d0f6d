using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Tests.Requests;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>A chat as Anthropic gets it.</summary>
/// <param name="Body">What goes upstream.</param>
/// <param name="Adapted">What is named as not having arrived with its meaning.</param>
/// <param name="Scanned">What the scan found.</param>
internal sealed record Translated(JsonObject Body, string? Adapted, InferenceRequest Scanned)
{
    /// <summary>A model that takes all that any takes.</summary>
    public const string Old = "claude-3-7-sonnet-20250219";

    public const string Haiku = "claude-haiku-4-5-20251001";
    public const string Newest = "claude-of-tomorrow";

    /// <summary>What the model gets of a chat whose only message is <c>hi</c>.</summary>
    public static Translated Chat(string more = "", string model = Haiku, long? makes = 64_000) => Of(Bodies.Chat(more), model, makes);

    public static Translated Messages(string messages, string model = Haiku, string more = "") =>
        Of($$"""{"model":"o/m","messages":{{messages}}{{(more.Length > 0 ? "," + more : "")}}}""", model);

    public static Translated Of(string body, string model = Haiku, long? makes = 64_000)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        ScannedRequest scanned = Bodies.Taken(body);
        BodyEdits edits = Edits(model, makes);
        using var output = new PooledBuffer();
        RequestDialects.Write(bytes, scanned, edits, output);
        var written = JsonNode.Parse(output.Span, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 200 })!.AsObject();
        return new Translated(written, RequestDialects.Adapted(scanned, bytes, edits), scanned.Request);
    }

    public static BodyEdits Edits(string model, long? makes = 64_000) =>
        new(model, true, RequestQuirks.None) { Spoken = Dialect.Anthropic, MaxOutputTokens = makes };

    /// <summary>A part of the body as compact JSON; <c>-</c> when it is not there.</summary>
    public string this[string name] => Body[name]?.ToJsonString(Plainly) ?? "-";

    public string Turns => this["messages"];

    private static readonly JsonSerializerOptions Plainly = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}

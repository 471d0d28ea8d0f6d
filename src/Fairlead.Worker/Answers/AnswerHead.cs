using System.Text.Json;

namespace Fairlead.Worker.Answers;

/// <summary>What stands at the head of an answer and of each of its chunks.</summary>
/// <param name="Id"><c>chatcmpl-…</c> or <c>cmpl-…</c>, made of the gateway's id of the request.</param>
/// <param name="Created">When it began, in seconds since 1970.</param>
/// <param name="Model">The model as callers write it.</param>
/// <param name="Fingerprint">Same weights, same program, same seed: same text. Another one says that one of them has changed.</param>
internal sealed record AnswerHead(string Id, long Created, string Model, string Fingerprint)
{
    /// <summary>Writes the members up to <c>choices</c>; the object has been begun.</summary>
    public void Write(Utf8JsonWriter json, string kind)
    {
        json.WriteString("id", Id);
        json.WriteString("object", kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", Model);
        json.WriteString("system_fingerprint", Fingerprint);
    }
}

using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Worker.Requests;

/// <summary>A request to <c>/tokenize</c>, checked. The fields are llama-server's; <c>text</c> is another word for <c>content</c>.</summary>
/// <param name="Content">May be empty.</param>
/// <param name="AddSpecial">The special tokens that the model puts around a text are added. Default false.</param>
/// <param name="Ignored">Fields that have no effect here.</param>
internal sealed record TokenizeRequest(string Content, bool AddSpecial, ImmutableArray<string> Ignored)
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static TokenizeRequest? Read(JsonElement body, out Problem? problem)
    {
        var fields = new FieldReader(body);
        fields.Text("model"); // a worker holds one
        string? content = fields.Text("content"), text = fields.Text("text");
        if (content is not null && text is not null)
            fields.Refuse("text", "'content' and 'text' are the same field; send one of them.");
        else if ((content ?? text) is null)
            fields.Refuse("content", "The field 'content' is missing. A string is expected.");
        bool addSpecial = fields.Flag("add_special") ?? false;
        problem = fields.Problem;
        return problem is null ? new TokenizeRequest((content ?? text)!, addSpecial, [.. fields.Unread]) : null;
    }
}

/// <summary>A request to <c>/detokenize</c>, checked but for whether the model has those tokens.</summary>
/// <param name="Tokens">May be empty.</param>
/// <param name="Ignored">Fields that have no effect here.</param>
internal sealed record DetokenizeRequest(ImmutableArray<int> Tokens, ImmutableArray<string> Ignored)
{
    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static DetokenizeRequest? Read(JsonElement body, out Problem? problem)
    {
        var fields = new FieldReader(body);
        fields.Text("model");
        ImmutableArray<int> tokens = [];
        if (fields.Array("tokens") is { } array)
            tokens = Prompt.ReadIds(fields, "tokens", array);
        else
            fields.Refuse("tokens", "The field 'tokens' is missing. An array of token ids is expected.");
        problem = fields.Problem;
        return problem is null ? new DetokenizeRequest(tokens, [.. fields.Unread]) : null;
    }
}

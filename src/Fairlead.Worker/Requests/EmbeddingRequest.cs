using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Worker.Requests;

/// <summary>A request to <c>/v1/embeddings</c>, checked.</summary>
internal sealed record EmbeddingRequest
{
    /// <summary>At least one.</summary>
    public required ImmutableArray<Prompt> Inputs { get; init; }

    /// <summary>Leading numbers of each vector to give, scaled to length one again; null for all.</summary>
    public int? Dimensions { get; init; }

    /// <summary>An input that is too long loses its end, and the answer names it; false: it is refused. Default true, as sentence-transformers and TEI's
    /// <c>--auto-truncate</c> have it; the field is TEI's.</summary>
    public bool Truncate { get; init; }

    /// <summary>Vectors as base64 of little-endian 32-bit floats, not as numbers.</summary>
    public bool Base64 { get; init; }

    /// <summary>Fields that have no effect here.</summary>
    public required ImmutableArray<string> Ignored { get; init; }

    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static EmbeddingRequest? Read(JsonElement body, out Problem? problem)
    {
        var fields = new FieldReader(body);
        fields.Text("model"); // a worker holds one
        string encoding = fields.Text("encoding_format") ?? "float";
        if (encoding is not ("float" or "base64"))
            fields.Refuse("encoding_format", $"'encoding_format' is '{encoding}'; \"float\" or \"base64\" is expected.");
        var request = new EmbeddingRequest
        {
            Inputs = Prompt.ReadAll(fields, "input"),
            Dimensions = (int?)fields.Whole("dimensions", 1, int.MaxValue),
            Base64 = encoding == "base64",
            Truncate = fields.Flag("truncate") ?? true,
            Ignored = [.. fields.Unread],
        };
        problem = fields.Problem;
        return problem is null ? request : null;
    }
}

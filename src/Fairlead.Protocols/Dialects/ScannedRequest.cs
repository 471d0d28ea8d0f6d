using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Dialects;

/// <summary>One request, scanned: what the domain needs to know, and where the top-level members stand in the body, for splicing.</summary>
public sealed class ScannedRequest
{
    internal ScannedRequest(InferenceRequest request, string askedModel, List<TopMember> members, EmbeddingEncoding encoding, bool hasDeveloperRole, bool hasToolCallIds)
    {
        Request = request;
        AskedModel = askedModel;
        Members = members;
        Encoding = encoding;
        HasDeveloperRole = hasDeveloperRole;
        HasToolCallIds = hasToolCallIds;
    }

    public InferenceRequest Request { get; }

    /// <summary>The model as the caller wrote it, selector included.</summary>
    public string AskedModel { get; }

    /// <summary>How the caller wants embeddings; what it did not ask for is <see cref="EmbeddingEncoding.Float"/>.</summary>
    public EmbeddingEncoding Encoding { get; }

    /// <summary>The same request, with what was read as a selector taken as part of the model's name: <c>llama3.2:latest</c> is a name where it is known.</summary>
    public ScannedRequest WithWholeName() => new(
        Request with { Model = AskedModel, Preferences = Request.Preferences with { Policy = RoutePolicy.Fastest, Pinned = null } },
        AskedModel, Members, Encoding, HasDeveloperRole, HasToolCallIds);

    internal List<TopMember> Members { get; }
    internal bool HasDeveloperRole { get; }
    internal bool HasToolCallIds { get; }

    /// <summary>The value of a top-level member as it stands in <paramref name="body"/>; empty when there is none, or null.</summary>
    internal ReadOnlySpan<byte> Value(ReadOnlySpan<byte> body, string name)
    {
        foreach (TopMember member in Members)
        {
            if (member.Name == name)
                return body[member.Value] is var value && value.SequenceEqual("null"u8) ? default : body[member.Value];
        }
        return default;
    }

    /// <summary>Whether the body has a top-level member of this name, be it null.</summary>
    internal bool Has(string name)
    {
        foreach (TopMember member in Members)
        {
            if (member.Name == name)
                return true;
        }
        return false;
    }
}

/// <summary>How embeddings are written.</summary>
public enum EmbeddingEncoding : byte
{
    /// <summary>JSON numbers.</summary>
    Float = 0,

    /// <summary>Little-endian IEEE 754 single precision, in base 64.</summary>
    Base64 = 1,
}

/// <summary>A top-level member of the body.</summary>
/// <param name="Name">Its name, unescaped.</param>
/// <param name="Whole">From the quote before the name to the end of the value.</param>
/// <param name="Value">The value.</param>
internal readonly record struct TopMember(string Name, Range Whole, Range Value);

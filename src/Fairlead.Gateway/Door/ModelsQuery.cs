using System.Collections.Immutable;
using System.Globalization;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Faults;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Fairlead.Gateway.Door;

/// <summary>Which part of its list of models an Anthropic client asks for.</summary>
/// <param name="Limit">Most models of the page.</param>
/// <param name="After">The model after which the page begins; null where it begins at the start, or ends before another.</param>
/// <param name="Before">The model before which the page ends.</param>
/// <param name="Stages">Only models at these stages of their life; where the query names none, those that can be asked.</param>
internal sealed record ModelsQuery(int Limit, string? After, string? Before, ImmutableArray<ModelStage> Stages)
{
    private const int UsualLimit = 20;
    private const int MostLimit = 1000;

    private static readonly ImmutableArray<ModelStage> s_usual = [ModelStage.Active, ModelStage.Deprecated];

    /// <summary>Reads <c>limit</c>, <c>after_id</c>, <c>before_id</c> and <c>lifecycle[]</c>; other members are none of ours. Null with a problem when one of them is wrong.</summary>
    public static ModelsQuery? Read(IQueryCollection query, out Problem? problem)
    {
        problem = null;
        int limit = UsualLimit;
        if (query["limit"] is { Count: > 0 } asked
            && (!int.TryParse(asked.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MostLimit))
        {
            return Wrong("limit", $"'limit' must be a whole number from 1 to {MostLimit}. Leave it out for {UsualLimit}.", out problem);
        }
        StringValues after = query["after_id"];
        StringValues before = query["before_id"];
        if (after.Count + before.Count > 1)
            return Wrong("after_id", "A page begins after one model or ends before one: send 'after_id' or 'before_id', once.", out problem);
        ImmutableArray<ModelStage> stages = s_usual;
        StringValues wanted = StringValues.Concat(query["lifecycle[]"], query["lifecycle"]);
        if (wanted.Count > 0)
        {
            var found = ImmutableArray.CreateBuilder<ModelStage>(wanted.Count);
            foreach (string? word in wanted)
            {
                if (ModelStages.Parse(word) is not { } stage)
                    return Wrong("lifecycle[]", $"'lifecycle[]' takes active, deprecated and retired, not '{Redaction.Clean(word ?? "", 40)}'. Repeat it for more than one.", out problem);
                found.Add(stage);
            }
            stages = found.ToImmutable();
        }
        return new ModelsQuery(limit, One(after), One(before), stages);
    }

    private static string? One(StringValues values) => values.Count == 0 ? null : values[0] ?? "";

    private static ModelsQuery? Wrong(string parameter, string message, out Problem? problem)
    {
        problem = new Problem(ProblemKind.FieldInvalid, message, parameter);
        return null;
    }
}

/// <summary>Where a model stands in its life, in Anthropic's words.</summary>
internal enum ModelStage : byte
{
    Active = 1,

    /// <summary>Everybody who offers it has announced its end.</summary>
    Deprecated,

    /// <summary>Nobody offers it any more.</summary>
    Retired,
}

internal static class ModelStages
{
    public static string Word(this ModelStage stage) => stage switch
    {
        ModelStage.Active => "active",
        ModelStage.Deprecated => "deprecated",
        _ => "retired",
    };

    public static ModelStage? Parse(string? word) => word switch
    {
        "active" => ModelStage.Active,
        "deprecated" => ModelStage.Deprecated,
        "retired" => ModelStage.Retired,
        _ => null,
    };
}

using System.Text.Json;
using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>What a branch says of objects: which names there are, in which order, what stands under each, and how many.</summary>
internal sealed class ObjectShape
{
    /// <summary>Properties that one object declares.</summary>
    private const int MaxNames = 512;

    /// <summary>Patterns of names in one object: each combination is a case of its own.</summary>
    private const int MaxPatterns = 4;

    /// <summary>Declared properties times the count up to which they are counted, where an object has a number of properties.</summary>
    private const int MaxCounted = 8192;

    private readonly SchemaDocument _document;
    private readonly SchemaNode[] _branch;
    private readonly List<string> _names = [];
    private readonly List<NamePattern> _patterns = [];
    private readonly List<SchemaNode> _nameSchemas = [];

    /// <summary>Merges what the members of <paramref name="branch"/> say of objects.</summary>
    public ObjectShape(SchemaDocument document, SchemaNode[] branch)
    {
        (_document, _branch) = (document, branch);
        foreach (SchemaNode member in branch)
        {
            foreach (JsonProperty property in Members(member, "properties"))
                AddName(property.Name);
            foreach (JsonProperty pattern in Members(member, "patternProperties"))
                AddPattern(member, pattern.Name);
            if (member.TryGet("propertyNames", out JsonElement names))
                _nameSchemas.Add(document.Child(member, "propertyNames", names));
            if (ValueFacets.Count(member, "minProperties") is { } least && least > Least)
                Least = least;
            Most = Math.Min(Most, ValueFacets.Count(member, "maxProperties") ?? Grammar.Unbounded);
        }

        foreach (SchemaNode member in branch)
            AddRequired(member);
        if (_names.Count > MaxNames)
            throw branch[0].Refuse("properties", $"more than {MaxNames} properties in one object are not supported");
    }

    /// <summary>Declared names and required ones, in the order of the schema.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Names that must be there.</summary>
    public HashSet<string> Required { get; } = [];

    /// <summary>Patterns of names.</summary>
    public IReadOnlyList<NamePattern> Patterns => _patterns;

    /// <summary>What holds for every name.</summary>
    public IReadOnlyList<SchemaNode> NameSchemas => _nameSchemas;

    /// <summary>Properties there are at least.</summary>
    public int Least { get; }

    /// <summary>Properties there are at most.</summary>
    public int Most { get; } = Grammar.Unbounded;

    /// <summary>
    /// How far declared members must be counted while they are written: up to this number, which then stands for it and all above. No further than
    /// there are names, for others are counted by repetition.
    /// </summary>
    /// <exception cref="ConstraintException">The count cannot be kept.</exception>
    public int CountedUpTo
    {
        get
        {
            // Names that are not declared could repeat, and a name that repeats counts once.
            if (Least > 1 && _names.Count == 0 && !IsClosed)
                throw Blame("minProperties").Refuse("minProperties", "minProperties above 1 is not supported for names that the schema does not declare");
            int counted = Math.Max(Math.Min(Most == Grammar.Unbounded ? Least : Most, _names.Count), 1);
            if (counted * (_names.Count + 1) <= MaxCounted)
                return counted;
            string keyword = Most == Grammar.Unbounded ? "minProperties" : "maxProperties";
            throw Blame(keyword).Refuse(keyword, "counting so many declared properties is not supported");
        }
    }

    /// <summary>No other names than the declared ones.</summary>
    private bool IsClosed => _patterns.Count == 0
        && _branch.Any(static member => member.TryGet("additionalProperties", out JsonElement other) && other.ValueKind == JsonValueKind.False);

    /// <summary>What holds for the value under <paramref name="name"/>.</summary>
    public List<SchemaNode> SchemasOf(string name) => SchemasOf(name, pattern => pattern.Matches(name));

    /// <summary>What holds for the value under a name that is not declared and matches those patterns.</summary>
    public List<SchemaNode> SchemasOfOther(Func<NamePattern, bool> matches) => SchemasOf(null, matches);

    private SchemaNode Blame(string keyword) => _branch.First(member => member.TryGet(keyword, out _));

    private static JsonElement.ObjectEnumerator Members(SchemaNode member, string keyword)
    {
        if (!member.TryGet(keyword, out JsonElement value))
            return default;
        return value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : throw member.Refuse(keyword, $"{keyword} is an object of schemas");
    }

    private void AddName(string name)
    {
        if (!_names.Contains(name))
            _names.Add(name);
    }

    private void AddPattern(SchemaNode member, string pattern)
    {
        if (_patterns.Exists(known => known.Text == pattern))
            return;
        string pointer = $"{member.Pointer}/patternProperties/{SchemaDocument.EscapePointer(pattern)}";
        if (_patterns.Count == MaxPatterns)
            throw new ConstraintException(pointer, $"more than {MaxPatterns} patterns of names in one object are not supported");
        _patterns.Add(new NamePattern(pattern, RegexParser.Parse(pattern, pointer), pointer));
    }

    private void AddRequired(SchemaNode member)
    {
        if (!member.TryGet("required", out JsonElement names))
            return;
        if (names.ValueKind != JsonValueKind.Array)
            throw member.Refuse("required", "required is a list of names");
        foreach (JsonElement name in names.EnumerateArray())
        {
            string text = name.ValueKind == JsonValueKind.String ? name.GetString()! : throw member.Refuse("required", "required is a list of names");
            Required.Add(text);
            AddName(text);
        }
    }

    private List<SchemaNode> SchemasOf(string? name, Func<NamePattern, bool> matches)
    {
        var schemas = new List<SchemaNode>();
        foreach (SchemaNode member in _branch)
        {
            bool declared = false;
            if (name is not null && member.TryGet("properties", out JsonElement properties) && properties.TryGetProperty(name, out JsonElement property))
            {
                declared = true;
                schemas.Add(_document.Child(member, "properties", property, name));
            }

            foreach (JsonProperty pattern in Members(member, "patternProperties"))
            {
                if (!matches(_patterns.Find(known => known.Text == pattern.Name)!))
                    continue;
                declared = true;
                schemas.Add(_document.Child(member, "patternProperties", pattern.Value, pattern.Name));
            }

            if (!declared && member.TryGet("additionalProperties", out JsonElement others))
                schemas.Add(_document.Child(member, "additionalProperties", others));
        }

        return schemas;
    }
}

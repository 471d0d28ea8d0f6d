using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Fairlead.Configuration;

/// <summary>Reads YAML into a tree with line numbers. Anchors, tags and several documents are refused: a configuration needs none, and an attack does.</summary>
internal static class YamlTree
{
    public const int MostBytes = 1 << 20;
    private const int MostDepth = 16;

    /// <summary>The tree; null with errors when it is no YAML that we take.</summary>
    public static Mapping? Parse(string text, string source, List<ConfigurationError> errors)
    {
        if (text.Length > MostBytes)
        {
            errors.Add(new ConfigurationError(source, 0, "the file is larger than 1 MiB; a configuration is not."));
            return null;
        }
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
                return new Mapping([], source, 1);
            parser.Consume<DocumentStart>();
            Node node = Read(parser, source, errors, 0);
            parser.Consume<DocumentEnd>();
            if (!parser.TryConsume<StreamEnd>(out _))
                errors.Add(new ConfigurationError(source, 0, "the file holds more than one document; put everything into one."));
            if (node is Mapping mapping)
                return mapping;
            if (node is Scalar { Text: "" or "~" or "null" })
                return new Mapping([], source, 1);
            errors.Add(new ConfigurationError(source, node.Line, "the file is no mapping; keys such as 'listen: 127.0.0.1:8080' are expected."));
            return null;
        }
        catch (YamlException e)
        {
            errors.Add(new ConfigurationError(source, (int)e.Start.Line, $"this is not YAML: {(e.InnerException ?? e).Message.TrimEnd('.')}. Check indentation and quotes."));
            return null;
        }
    }

    private static Node Read(Parser parser, string source, List<ConfigurationError> errors, int depth)
    {
        if (depth > MostDepth)
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested more than {MostDepth} deep");
        int line = (int)parser.Current!.Start.Line;
        if (parser.Current is AnchorAlias || (parser.Current is NodeEvent node && !node.Anchor.IsEmpty))
            throw new YamlException(parser.Current.Start, parser.Current.End, "anchors and aliases are not used here; write the value out");
        if (parser.Current is YamlDotNet.Core.Events.Scalar scalar && parser.MoveNext())
            return new Scalar(scalar.Style == ScalarStyle.Plain && scalar.Value is "~" or "null" ? "" : scalar.Value, source, line);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<Scalar>();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                if (Read(parser, source, errors, depth + 1) is Scalar item)
                    items.Add(item);
                else
                    errors.Add(new ConfigurationError(source, line, "a list holds single values only."));
            }
            return new Sequence(items, source, line);
        }
        parser.Consume<MappingStart>();
        var map = new Dictionary<string, Node>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            int keyLine = (int)parser.Current!.Start.Line;
            if (parser.Current is not YamlDotNet.Core.Events.Scalar key || !parser.MoveNext())
                throw new YamlException(parser.Current.Start, parser.Current.End, "a key must be a single word");
            Node value = Read(parser, source, errors, depth + 1);
            if (!map.TryAdd(key.Value, value with { Line = keyLine }))
                errors.Add(new ConfigurationError(source, keyLine, $"the key '{key.Value}' stands twice; keep one."));
        }
        return new Mapping(map, source, line);
    }
}

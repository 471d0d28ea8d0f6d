using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Fairlead.Engine.Templates;

/// <summary>JSON in and out: conversations become values, <c>tojson</c> writes them as Python's <c>json.dumps</c> does.</summary>
internal static class JsonText
{
    /// <summary>The value of a piece of JSON. A number with a point or an exponent is a float, any other a whole number, as in Python.</summary>
    public static Value Read(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Null:
                return NoneValue.Instance;
            case JsonValueKind.True or JsonValueKind.False:
                return Value.Of(json.ValueKind == JsonValueKind.True);
            case JsonValueKind.String:
                return Value.Of(Unicode(json.GetString));
            case JsonValueKind.Number:
                string digits = json.GetRawText();
                return digits.AsSpan().IndexOfAny('.', 'e', 'E') >= 0
                    ? new FloatValue(double.Parse(digits, CultureInfo.InvariantCulture))
                    : Whole(digits);
            case JsonValueKind.Array:
                List<Value> items = new(json.GetArrayLength());
                foreach (JsonElement item in json.EnumerateArray())
                    items.Add(Read(item));
                return new ListValue(items);
            case JsonValueKind.Object:
                DictValue dict = new();
                foreach (JsonProperty property in json.EnumerateObject())
                    dict.Put(Value.Of(Unicode(() => property.Name)), Read(property.Value));
                return dict;
            default:
                throw new TemplateFault("a value of the conversation is missing");
        }
    }

    /// <summary>Python's <c>json.dumps(value)</c>.</summary>
    /// <param name="ascii">Writes everything beyond ASCII as <c>\uXXXX</c>.</param>
    /// <param name="indent">Text of one level of indentation; null for one line.</param>
    public static string Write(Value value, Budget budget, bool ascii = false, string? indent = null, string? itemSeparator = null, string? keySeparator = null, bool sortKeys = false)
    {
        BoundedText to = new(budget);
        Writer writer = new(to, ascii, indent, itemSeparator ?? (indent is null ? ", " : ","), keySeparator ?? ": ", sortKeys);
        writer.Write(value, 0);
        return to.Finish();
    }

    private static string Unicode(Func<string?> text)
    {
        try
        {
            return text() ?? "";
        }
        catch (InvalidOperationException)
        {
            // \ud800 alone: JSON lets it stand, but it is no character and no tokenizer could take it.
            throw new TemplateFault("a text of the conversation holds half a surrogate pair");
        }
    }

    private static Value Whole(string digits)
    {
        if (digits.Length > 4_301)
            throw new TemplateFault("a whole number has more than 4300 digits");
        return Value.Of(BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private sealed class Writer(BoundedText to, bool ascii, string? indent, string itemSeparator, string keySeparator, bool sortKeys)
    {
        public void Write(Value value, int depth)
        {
            to.Visit(depth);
            switch (value)
            {
                case TextValue text:
                    Quote(text.Text);
                    break;
                case NoneValue or BoolValue or IntValue or FloatValue:
                    to.Append(Scalar(value));
                    break;
                case ListValue list:
                    Array(list.Items, depth);
                    break;
                case TupleValue tuple:
                    Array(tuple.Items, depth);
                    break;
                case DictValue dict:
                    Object(dict, depth);
                    break;
                default:
                    throw new TemplateFault($"Object of type {value.TypeName} is not JSON serializable");
            }
        }

        private static string Scalar(Value value) => value switch
        {
            NoneValue => "null",
            BoolValue flag => flag.Value ? "true" : "false",
            IntValue whole => whole.Value.ToString(CultureInfo.InvariantCulture),
            FloatValue { Value: double.NaN } => "NaN",
            FloatValue real when double.IsInfinity(real.Value) => real.Value > 0 ? "Infinity" : "-Infinity",
            FloatValue real => Printing.Float(real.Value),
            _ => throw new InvalidOperationException(value.TypeName),
        };

        private void Array(IReadOnlyList<Value> items, int depth)
        {
            if (items.Count == 0)
            {
                to.Append("[]");
                return;
            }

            to.Append("[");
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    to.Append(itemSeparator);
                NewLine(depth + 1);
                Write(items[i], depth + 1);
            }

            NewLine(depth);
            to.Append("]");
        }

        private void Object(DictValue dict, int depth)
        {
            IReadOnlyList<KeyValuePair<Value, Value>> items = dict.Items;
            if (items.Count == 0)
            {
                to.Append("{}");
                return;
            }

            if (sortKeys)
                items = Sorting.Sort(items, static item => item.Key);
            to.Append("{");
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    to.Append(itemSeparator);
                NewLine(depth + 1);
                Value key = items[i].Key;
                Quote(key switch
                {
                    TextValue text => text.Text,
                    NoneValue or BoolValue or IntValue or FloatValue => Scalar(key),
                    _ => throw new TemplateFault($"keys must be str, int, float, bool or None, not {key.TypeName}"),
                });
                to.Append(keySeparator);
                Write(items[i].Value, depth + 1);
            }

            NewLine(depth);
            to.Append("}");
        }

        private void NewLine(int depth)
        {
            if (indent is null)
                return;
            to.Append("\n");
            for (int i = 0; i < depth; i++)
                to.Append(indent);
        }

        private void Quote(string text)
        {
            StringBuilder quoted = new(text.Length + 2);
            quoted.Append('"');
            foreach (char c in text)
            {
                _ = c switch
                {
                    '"' => quoted.Append("\\\""),
                    '\\' => quoted.Append("\\\\"),
                    '\n' => quoted.Append("\\n"),
                    '\r' => quoted.Append("\\r"),
                    '\t' => quoted.Append("\\t"),
                    '\f' => quoted.Append("\\f"),
                    '\b' => quoted.Append("\\b"),
                    < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                    > '~' when ascii => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                    _ => quoted.Append(c),
                };
            }

            to.Append(quoted.Append('"').ToString());
        }
    }
}

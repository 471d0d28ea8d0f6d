using System.Text;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Tests.Json;

public sealed class JsonCursorTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("abcdefgh")]
    [InlineData("exactly_sixteen_")]
    [InlineData("a name that is longer than two blocks of sixteen bytes are")]
    public void A_name_is_found_again_whatever_its_length_and_spelling(string name)
    {
        string escaped = string.Concat(name.Select(static c => $"\\u{(int)c:X4}"));
        foreach (string again in new[] { name, escaped, escaped.ToLowerInvariant().Replace("\\U", "\\u", StringComparison.Ordinal) })
        {
            Assert.Equal(name, Fault($$"""{"{{name}}":1,"b1":2,"{{again}}":3}""")?.Repeated);
            Assert.Equal(name, Fault($$"""[{"x": {"{{again}}":1,"b1":{ },"{{name}}":3} }]""")?.Repeated);
        }
    }

    [Fact]
    public void The_same_name_may_stand_in_different_objects() =>
        Assert.Null(Fault("""{"a":{"a":{"a":1},"b":{"a":2}},"b":[{"a":1},{"a":2},{"b":{"b":1}}],"c":{}}"""));

    [Fact]
    public void A_duplicate_is_found_after_inner_objects_of_many_members()
    {
        string inner = string.Join(',', Enumerable.Range(0, 500).Select(static i => $"\"k{i}\":{{\"k{i}\":1}}"));
        Assert.Null(Fault("{\"a\":{" + inner + "},\"b\":{" + inner + "}}"));
        Assert.Equal("a", Fault("{\"a\":{" + inner + "},\"b\":{" + inner + "},\"a\":1}")?.Repeated);
        Assert.Equal("k0", Fault("{\"a\":{" + inner + ",\"k0\":1}}")?.Repeated);
    }

    [Fact]
    public void Names_that_differ_in_any_one_byte_are_different()
    {
        for (int length = 1; length < 40; length++)
        {
            for (int at = 0; at < length; at++)
            {
                char[] other = new string('a', length).ToCharArray();
                other[at] = 'b';
                Assert.Null(Fault($$"""{"{{new string('a', length)}}":1,"{{new string(other)}}":1}"""));
            }
        }
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void Depth_is_bounded_exactly(int depth, bool taken)
    {
        Assert.Equal(taken, Fault(new string('[', depth) + new string(']', depth)) is null);
        Assert.Equal(taken, Fault(string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth)) is null);
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(41, false)]
    public void The_length_of_a_number_is_bounded_exactly(int length, bool taken) => Assert.Equal(taken, Fault(new string('7', length)) is null);

    [Theory]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void Members_are_bounded_exactly(int count, bool taken) =>
        Assert.Equal(taken, Fault("{" + string.Join(',', Enumerable.Range(0, count).Select(static i => $"\"{i}\":0")) + "}") is null);

    [Theory]
    [InlineData(199_999, true)]
    [InlineData(200_000, false)]
    public void Values_are_bounded_exactly(int count, bool taken) => Assert.Equal(taken, Fault("[" + string.Join(',', Enumerable.Repeat('0', count)) + "]") is null);

    [Fact]
    public void After_a_fault_every_call_does_nothing_and_the_first_fault_stays()
    {
        var cursor = new JsonCursor("x"u8, JsonBounds.Default, new MemberNames());
        Assert.Equal((JsonKind)0, cursor.Peek());
        JsonFault? first = cursor.Fault;
        bool start = true;
        Assert.False(cursor.Enter());
        Assert.False(cursor.NextMember(ref start, out _, out _));
        Assert.False(cursor.NextElement(ref start));
        Assert.False(cursor.ReadString(out _, out _));
        Assert.False(cursor.Skip());
        Assert.False(cursor.AtEnd());
        Assert.Same(first, cursor.Fault);
    }

    [Theory]
    [InlineData("\"abc\"", "abc")]
    [InlineData("\"\\u0061\\u00e9\\u4E2D\\ud83d\\ude00\\n\"", "aé中😀\n")]
    public void A_string_is_read_as_what_it_means(string text, string meaning)
    {
        var cursor = new JsonCursor(Encoding.UTF8.GetBytes(text), JsonBounds.Default);
        Assert.True(cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped));
        Assert.Equal(meaning, JsonText.Unescape(raw, escaped));
        Assert.True(JsonText.Is(raw, escaped, Encoding.UTF8.GetBytes(meaning)));
        Assert.False(JsonText.Is(raw, escaped, "abd"u8));
    }

    [Theory]
    [InlineData("16", 16L)]
    [InlineData("16.0", 16L)]
    [InlineData("1.6e1", 16L)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_whole_number_is_whole_however_it_is_spelled(string text, long value)
    {
        Assert.True(JsonText.TryWhole(Encoding.UTF8.GetBytes(text), out long read));
        Assert.Equal(value, read);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("9223372036854775808")]
    [InlineData("1e30")]
    public void What_is_not_whole_or_too_large_is_no_whole_number(string text) => Assert.False(JsonText.TryWhole(Encoding.UTF8.GetBytes(text), out _));

    private static JsonFault? Fault(string text)
    {
        var cursor = new JsonCursor(Encoding.UTF8.GetBytes(text), JsonBounds.Default, new MemberNames());
        if (cursor.Skip())
            cursor.AtEnd();
        return cursor.Fault;
    }
}

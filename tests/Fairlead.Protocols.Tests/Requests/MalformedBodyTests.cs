using System.Text;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Bodies that are no JSON, or JSON that two readers may read differently, are refused before anything of them is believed.</summary>
public sealed class MalformedBodyTests
{
    /// <summary>Values that are no JSON; each is tried as an unknown field, inside a message, and as a whole body.</summary>
    public static TheoryData<string> BadValues { get; } =
    [
        // numbers
        "NaN", "Infinity", "-Infinity", "nan", "inf", "+1", "01", "-01", "00", "1.", ".5", "-.5", "-", "--1", "1e", "1e+", "1E-", "1.e5", "1e5.5", "0x10", "1_000", "1,5e", "1e400", "-1e400",
        "1e99999", "٣", "1f", "1d", "1L", "2.5.1", "0b1", "1e1e1",
        // literals
        "True", "FALSE", "Null", "tru", "nul", "truee", "undefined", "None", "nil", "t", "yes",
        // strings
        "'a'", "\"a", "a\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\U0041\"", "\"\\'\"", "\"\\\"", "\"\\a\"", "\"\\0\"", "\"\\v\"", "\"\t\"", "\"\n\"", "\"\r\"", "\"\0\"", "\"\u0001\"",
        "\"\u001f\"", "\"\\u{41}\"", "\"\\ \"", "`a`", "“a”", "\"a\" \"b\"", "\"a\"b",
        // half surrogates
        "\"\\ud800\"", "\"\\udfff\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\ud83d\\ud83d\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\uD83D \\uDE00\"", "\"\\ud83d\\\"",
        // arrays and objects
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\" 1}", "{\"a\"=1}", "{a:1}",
        "{'a':1}", "{1:1}", "{null:1}", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{\"a\"::1}", "{\"a\":1,,\"b\":2}", "{\"a\":1]", "[[[]]", "{\"\\ud800\":1}", "{\"a\n\":1}",
        // comments and spaces that are none
        "/**/1", "1/**/", "//x\n1", "#x\n1", "1//x", "\u00a01", "\u20281", "\u30001", "\v1", "\f1", "\u00851", "\u200b1", "\uFEFF1", "\01", "1\0",
        // duplicates at depth
        "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}]", "{\"\":1,\"\":2}", "{\"é\":1,\"\\u00e9\":2}", "{\"😀\":1,\"\\ud83d\\ude00\":2}", "{\"a/b\":1,\"a\\/b\":2}",
    ];

    public static TheoryData<string> BadBodies { get; } =
    [
        "", " ", "\n", "\0", "{", "{}x", "{}{}", "{},", "[]", "null", "true", "1", "\"model\"", "[{}]", "\uFEFF{}", " \uFEFF{}", "<html></html>", "model=a&messages=b", "data: {}", "--boundary",
        """{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","messages":[{"role":"user","content":"x"}],"mo\u0064el":"b"}""",
        """{"model":"a","messages":[{"role":"user","content":"x"}],"messages":[]}""",
        """{"model":"a","max_tokens":1,"max_tokens":100000,"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","messages":[{"role":"user","role":"system","content":"x"}]}""",
        """{"model":"a","messages":[{"role":"user","content":"x","c\u006fntent":"y"}]}""",
        """{"model":"a","messages":[{"role":"user","content":[{"type":"text","type":"image_url","text":"x"}]}]}""",
        """{"model":"a","stream":true,"stream_options":{"include_usage":true,"include_usage":false},"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","provider":{"only":["x"],"only":["y"]},"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","provider":{"max_price":{"prompt":1,"prompt":9}},"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","response_format":{"type":"text","type":"json_object"},"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","tools":[{"type":"function","function":{"name":"f","name":"g"}}],"messages":[{"role":"user","content":"x"}]}""",
        """{"model":"a","messages":[{"role":"user","content":"x"}]} {"model":"b"}""",
        """{"model":"a","messages":[{"role":"user","content":"x"}]}]""",
        """{"model":"a","messages":[{"role":"user","content":"x"}],}""",
        """{"model":"a","messages":[{"role":"user","content":"x"},]}""",
    ];

    [Theory]
    [MemberData(nameof(BadValues))]
    public void A_value_that_is_no_json_is_refused_wherever_it_stands(string value)
    {
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused(Bodies.Chat($"\"x\":{value}")).Kind);
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused($"{{\"x\":[{value}],\"model\":\"a\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}").Kind);
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused($"{{\"model\":\"a\",\"messages\":[{{\"role\":\"user\",\"name\":{value},\"content\":\"x\"}}]}}").Kind);
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused($"{{\"model\":\"a\",\"tools\":[{{\"function\":{value}}}],\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}").Kind);
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused(value).Kind);
    }

    [Theory]
    [MemberData(nameof(BadBodies))]
    public void A_body_that_is_no_object_of_distinct_members_is_refused(string body) => Assert.Equal(ProblemKind.BodyMalformed, Bodies.Refused(body).Kind);

    [Fact]
    public void The_corpus_is_as_large_as_it_was_meant_to_be() => Assert.True(BadValues.Count + BadBodies.Count >= 150);

    [Fact]
    public void A_duplicate_names_the_field_and_what_to_do()
    {
        Problem problem = Bodies.Refused("""{"model":"a","messages":[],"mo\u0064el":"b"}""".Replace("[]", """[{"role":"user","content":"x"}]""", StringComparison.Ordinal));
        Assert.Equal("model", problem.Param);
        Assert.Contains("twice", problem.Message, StringComparison.Ordinal);
        Assert.Contains("Send it once", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Byte sequences that are no UTF-8 (RFC 3629): overlong forms, surrogates, beyond U+10FFFF, cut short, stray.</summary>
    [Theory]
    [InlineData("C080")]
    [InlineData("C1BF")]
    [InlineData("E08080")]
    [InlineData("E09FBF")]
    [InlineData("F0808080")]
    [InlineData("F08FBFBF")]
    [InlineData("F8888080 80")]
    [InlineData("FC8480808080")]
    [InlineData("EDA080")]
    [InlineData("EDBFBF")]
    [InlineData("EDA0BDEDB880")]
    [InlineData("F4908080")]
    [InlineData("F5808080")]
    [InlineData("FE")]
    [InlineData("FF")]
    [InlineData("80")]
    [InlineData("BF")]
    [InlineData("C3")]
    [InlineData("E282")]
    [InlineData("F09F98")]
    [InlineData("C3C3A9")]
    [InlineData("C022")]
    public void Bytes_that_are_no_utf8_are_refused_in_texts_and_names(string hex)
    {
        byte[] bad = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        byte[] text = [.. "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"x"u8, .. bad, .. "y\"}]}"u8];
        byte[] name = [.. "{\"model\":\"a\",\"x"u8, .. bad, .. "\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"u8];
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Scan(text).Problem?.Kind);
        Assert.Equal(ProblemKind.BodyMalformed, Bodies.Scan(name).Problem?.Kind);
    }

    [Fact]
    public void Other_encodings_of_unicode_are_refused()
    {
        foreach (Encoding encoding in new Encoding[] { Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32 })
        {
            Assert.Equal(ProblemKind.BodyMalformed, Bodies.Scan(encoding.GetBytes(Bodies.Chat())).Problem?.Kind);
            Assert.Equal(ProblemKind.BodyMalformed, Bodies.Scan([.. encoding.GetPreamble(), .. encoding.GetBytes(Bodies.Chat())]).Problem?.Kind);
        }
    }

    [Theory]
    [InlineData("\"\\u0000\"")]
    [InlineData("\"\\ud83d\\ude00\"")]
    [InlineData("\"\u007f\u2028\"")]
    [InlineData("-0.0e-0")]
    [InlineData("[[],{},\"\",null]")]
    [InlineData("{\"a\":{\"a\":{\"a\":1}}}")]
    [InlineData("1e308")]
    [InlineData("1e-400")]
    public void What_is_odd_but_json_is_taken_and_goes_through_as_it_came(string value)
    {
        string body = Bodies.Chat($"\"x\": {value} ");
        Assert.Contains($"\"x\": {value}", Bodies.Write(body), StringComparison.Ordinal);
    }
}

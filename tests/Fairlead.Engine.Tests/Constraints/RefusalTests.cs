using System.Text.Json;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Tests.Constraints;

public sealed class RefusalTests
{
    [Theory]
    [InlineData("""{"if":{},"then":{}}""", "/if", "if")]
    [InlineData("""{"type":"object","properties":{"a":{"dependentRequired":{}}}}""", "/properties/a/dependentRequired", "dependentRequired")]
    [InlineData("""{"type":"array","contains":{}}""", "/contains", "contains")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "/uniqueItems", "uniqueItems")]
    [InlineData("""{"not":{"type":"string"}}""", "/not", "not")]
    [InlineData("""{"unevaluatedProperties":false}""", "/unevaluatedProperties", "additionalProperties")]
    [InlineData("""{"type":"string","maxLenght":3}""", "/maxLenght", "no keyword")]
    [InlineData("""{"type":"string","format":"iri"}""", "/format", "iri")]
    [InlineData("""{"type":"string","pattern":"(?=a)"}""", "/pattern", "look-around")]
    [InlineData("""{"type":"string","pattern":"a^b"}""", "/pattern", "in the middle")]
    [InlineData("""{"$ref":"https://example.com/s.json"}""", "/$ref", "leads out")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "/$ref", "leads nowhere")]
    [InlineData("""{"$ref":"#"}""", "", "refers to itself")]
    [InlineData("""{"anyOf":[{"type":"null"},{"$ref":"#"}]}""", "", "refers to itself")]
    [InlineData("""{"$dynamicRef":"#x"}""", "/$dynamicRef", "$ref")]
    [InlineData("""{"properties":{"a":{"$id":"x"}}}""", "/properties/a/$id", "root only")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "/oneOf", "exclude one another")]
    [InlineData("""{"oneOf":[{"type":"object"},{"type":"object","required":["a"]}]}""", "/oneOf", "exclude one another")]
    [InlineData("""{"anyOf":[]}""", "/anyOf", "at least one")]
    [InlineData("""{"type":"text"}""", "/type", "no type")]
    [InlineData("""{"type":"string","minLength":-1}""", "/minLength", "not negative")]
    [InlineData("""{"type":"string","minLength":1.5}""", "/minLength", "whole number")]
    [InlineData("""{"type":"number","minimum":"1"}""", "/minimum", "is a number")]
    [InlineData("""{"type":"number","multipleOf":0}""", "/multipleOf", "positive")]
    [InlineData("""{"type":"integer","multipleOf":99991}""", "/multipleOf", "4096")]
    [InlineData("""{"type":"number","multipleOf":0.0000000000001}""", "/multipleOf", "positive")]
    [InlineData("""{"type":"number","minimum":1e300}""", "/minimum", "28")]
    [InlineData("""{"type":"number","minimum":0.12345678901234567890123456789}""", "/minimum", "28")]
    [InlineData("""{"type":"object","properties":{"a/b":{"if":true}}}""", "/properties/a~1b/if", "if")]
    [InlineData("""{"type":"object","minProperties":3}""", "/minProperties", "minProperties")]
    [InlineData("""{"enum":[{"a":1}],"properties":{"a":{}}}""", "/enum", "listed objects")]
    [InlineData("""{"properties":{"a":3}}""", "/properties/a", "a schema is")]
    [InlineData("""{"properties":[]}""", "/properties", "object of schemas")]
    [InlineData("""{"required":"a"}""", "/required", "list of names")]
    [InlineData("""{"enum":"a"}""", "/enum", "list of values")]
    [InlineData("""["a"]""", "", "a schema is")]
    [InlineData("""{"type":"string","type":"null"}""", "", "no JSON that can be read")]
    [InlineData("""{"const":"\ud800"}""", "", "surrogate")]
    [InlineData("""{"type":"string" """, "", "no JSON")]
    public void What_cannot_be_kept_is_refused_with_its_place(string schema, string pointer, string reason)
    {
        ConstraintException refusal = Assert.Throws<ConstraintException>(() => GrammarCompiler.Compile(Reading.Schema(schema)));
        Assert.Contains(reason, refusal.Message);
        Assert.Equal(pointer, refusal.Pointer);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""")]
    [InlineData("""{"type":"integer","minimum":3,"maximum":5,"multipleOf":7}""")]
    [InlineData("""{"type":"string","pattern":"^a+$","minLength":3,"allOf":[{"pattern":"^b+$"}]}""")]
    [InlineData("""{"enum":["a"],"type":"integer"}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","enum":[1]}},"required":["a"]}""")]
    [InlineData("""{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}""")]
    [InlineData("""{"type":"array","items":{"$ref":"#"},"minItems":1}""")]
    [InlineData("""{"type":"array","items":false,"minItems":1}""")]
    [InlineData("""{"not":{}}""")]
    public void A_schema_that_nothing_satisfies_is_refused_when_it_is_compiled(string schema) =>
        Assert.Contains("no text satisfies", Assert.Throws<ConstraintException>(() => GrammarCompiler.Compile(Reading.Schema(schema))).Message);

    [Fact]
    public void Schemas_that_are_too_large_or_too_deep_are_refused()
    {
        string deep = "{}";
        for (int level = 0; level < 16; level++)
            deep = $$"""{"type":"array","items":{{deep}}}""";
        Assert.Contains("16 deep", Refusal(deep));
        Assert.Contains("32 KiB", Refusal("{\"description\":\"" + new string('x', 33_000) + "\"}"));
        string wide = string.Join(',', Enumerable.Range(0, 600).Select(static at => $"\"p{at}\":{{}}"));
        Assert.Contains("512 properties", Refusal($$$"""{"type":"object","properties":{{{{wide}}}}}"""));
        string union = """{"anyOf":[{"minLength":1},{"minLength":2},{"minLength":3},{"minLength":4}]}""";
        Assert.Contains("256 cases", Refusal($$"""{"allOf":[{{string.Join(',', Enumerable.Repeat(union, 8))}}]}"""));

        static string Refusal(string schema) => Assert.Throws<ConstraintException>(() => GrammarCompiler.Compile(Reading.Schema(schema))).Message;
    }

    [Theory]
    [InlineData("""{"type":"text"}""", null)]
    [InlineData("""{"type":"json_object"}""", "{}")]
    [InlineData("""{"type":"json_object","value":{"type":"integer"}}""", "1")]
    [InlineData("""{"type":"json_object","schema":{"type":"integer"}}""", "1")]
    [InlineData("""{"type":"json","value":{"type":"integer"}}""", "1")]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"integer"}}}""", "1")]
    [InlineData("""{"type":"json_schema","schema":{"type":"integer"}}""", "1")]
    [InlineData("""{"type":"json_schema","value":{"name":"n","schema":{"type":"integer"}}}""", "1")]
    [InlineData("""{"type":"json_schema","value":{"type":"integer"}}""", "1")]
    [InlineData("""{"type":"regex","value":"1+"}""", "1")]
    public void Every_spelling_of_a_response_format_is_read(string format, string? accepted)
    {
        using var json = JsonDocument.Parse(format);
        ConstraintSpec? spec = ConstraintSpec.Parse(json.RootElement);
        Assert.Equal(accepted is null, spec is null);
        if (spec is not null)
            Assert.Null(Reading.RefusedAt(spec, accepted!));
    }

    [Theory]
    [InlineData("""{"type":"yaml"}""", "/type")]
    [InlineData("""{"type":3}""", "/type")]
    [InlineData("""[]""", "/type")]
    [InlineData("""{"type":"regex"}""", "/value")]
    [InlineData("""{"type":"json"}""", "/value")]
    [InlineData("""{"type":"json_schema"}""", "/json_schema/schema")]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"n"}}""", "/json_schema/schema")]
    [InlineData("""{"type":"regex","value":"\udc00"}""", "/value")]
    public void A_response_format_that_is_none_is_refused(string format, string pointer)
    {
        using var json = JsonDocument.Parse(format);
        Assert.Equal(pointer, Assert.Throws<ConstraintException>(() => ConstraintSpec.Parse(json.RootElement)).Pointer);
    }
}

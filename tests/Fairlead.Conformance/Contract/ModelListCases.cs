using System.Text.Json;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>The list of models. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class ModelListCases(ContractYard yard)
{
    [Fact]
    public async Task Case_62_65_the_list_of_models_is_open_and_honest()
    {
        RawAnswer answer = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models");

        Assert.Equal((200, "list"), (answer.Status, answer.Json.GetProperty("object").GetString()));
        Dictionary<string, JsonElement> models = answer.Json.GetProperty("data").EnumerateArray().ToDictionary(static m => m.GetProperty("id").GetString()!);
        Assert.All(models.Values, static m =>
        {
            Assert.Equal("model", m.GetProperty("object").GetString());
            Assert.Equal(JsonValueKind.Number, m.GetProperty("created").ValueKind);
            Assert.Contains(m.GetProperty("owned_by").GetString(), (string[])["acme", "fairlead"]); // the second is the guide's
            Assert.Contains("text", m.GetProperty("architecture").GetProperty("input_modalities").EnumerateArray().Select(static x => x.GetString()));
            Assert.True(m.GetProperty("providers").GetArrayLength() > 0);
        });
        JsonElement cheap = models[ContractYard.Model].GetProperty("providers").EnumerateArray().Single(static p => p.GetProperty("provider").GetString() == "cheap");
        Assert.Equal((0.10m, 0.30m), (cheap.GetProperty("pricing").GetProperty("input").GetDecimal(), cheap.GetProperty("pricing").GetProperty("output").GetDecimal())); // 65
        Assert.Equal(("live", 131_072, true, true, false),
            (cheap.GetProperty("status").GetString(), cheap.GetProperty("context_length").GetInt32(), cheap.GetProperty("supports_tools").GetBoolean(), cheap.GetProperty("supports_structured_output").GetBoolean(), cheap.GetProperty("is_free").GetBoolean()));
        Assert.False(models["acme/unpriced"].GetProperty("providers")[0].TryGetProperty("pricing", out _));
        Assert.False(models["acme/unpriced"].GetProperty("providers")[0].GetProperty("is_free").GetBoolean());
        Assert.True(models["acme/gift"].GetProperty("providers")[0].GetProperty("is_free").GetBoolean());
        Assert.Contains("image", models[ContractYard.Model].GetProperty("architecture").GetProperty("input_modalities").EnumerateArray().Select(static x => x.GetString()));
    }

    [Fact]
    public async Task Case_63_64_one_model_is_found_with_its_slash_in_either_form_and_an_unknown_one_is_not()
    {
        RawAnswer plain = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme/gift");
        RawAnswer escaped = await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme%2Fgift");

        Assert.Equal((200, "acme/gift", "model"), (plain.Status, Text(plain.Json, "id"), Text(plain.Json, "object")));
        Assert.Equal(plain.Text, escaped.Text);
        Refused(await RawHttp.GetAsync(yard.Fairlead.Port, "/v1/models/acme%2Fnobody"), 404, "model_not_found");
    }
}

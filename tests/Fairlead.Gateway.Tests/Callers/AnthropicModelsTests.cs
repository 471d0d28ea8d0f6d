using System.Text.Json;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>The list of models as Anthropic's clients ask for it and read it.</summary>
public sealed class AnthropicModelsTests : IAsyncLifetime
{
    private static readonly string[] Names = [.. Enumerable.Range(0, 45).Select(static i => $"m{i:00}")];
    private GatewayYard _yard = null!;

    [Fact]
    public async Task With_a_version_it_has_anthropics_shape_and_without_one_the_other()
    {
        Answer answer = await GetAsync("/v1/models");
        Assert.Equal(["data", "has_more", "first_id", "last_id"], answer.Json.EnumerateObject().Select(static m => m.Name));
        Assert.StartsWith("req_", answer.Header("request-id"), StringComparison.Ordinal);
        JsonElement model = answer.Json.GetProperty("data")[0];
        Assert.Equal("{\"type\":\"model\",\"id\":\"acme/m00\",\"display_name\":\"acme/m00\",\"created_at\":\"1970-01-01T00:00:00Z\",\"lifecycle\":\"active\",\"deprecated_at\":null,"
            + "\"retires_at\":null,\"line\":null,\"max_input_tokens\":131072,\"max_tokens\":null,\"capabilities\":{\"batch\":{\"supported\":false},\"effort\":{\"supported\":true,"
            + "\"low\":{\"supported\":true},\"medium\":{\"supported\":true},\"high\":{\"supported\":true}}}}", model.GetRawText());
        using HttpClient plain = _yard.Client();
        Assert.Equal("list", JsonDocument.Parse(await plain.GetStringAsync("/v1/models")).RootElement.GetProperty("object").GetString());
    }

    [Fact]
    public async Task A_page_has_twenty_and_the_pages_together_have_all_forwards_and_backwards()
    {
        var seen = new List<string>();
        string query = "";
        for (int page = 0; ; page++)
        {
            JsonElement list = (await GetAsync("/v1/models" + query)).Json;
            string[] ids = Ids(list);
            Assert.Equal((ids[0], ids[^1]), (list.GetProperty("first_id").GetString(), list.GetProperty("last_id").GetString()));
            seen.AddRange(ids);
            if (!list.GetProperty("has_more").GetBoolean())
                break;
            Assert.Equal(20, ids.Length);
            query = "?after_id=" + Uri.EscapeDataString(ids[^1]);
            Assert.InRange(page, 0, 5);
        }
        Assert.Equal([.. Names.Select(static n => "acme/" + n), "quick"], seen.Where(static id => id != "acme/embed"));

        var backwards = new List<string>();
        query = "?limit=7&before_id=quick";
        bool more = true;
        while (more)
        {
            JsonElement list = (await GetAsync("/v1/models" + query)).Json;
            string[] ids = Ids(list);
            backwards.InsertRange(0, ids);
            more = list.GetProperty("has_more").GetBoolean();
            Assert.True(!more || ids.Length == 7);
            query = "?limit=7&before_id=" + ids[0];
        }
        Assert.Equal(seen[..^1], backwards);
        JsonElement empty = (await GetAsync("/v1/models?after_id=QUICK")).Json; // the last, in other letters
        Assert.Equal((0, JsonValueKind.Null, JsonValueKind.Null, false),
            (empty.GetProperty("data").GetArrayLength(), empty.GetProperty("first_id").ValueKind, empty.GetProperty("last_id").ValueKind, empty.GetProperty("has_more").GetBoolean()));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("limit=", "limit")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("limit=99999999999999999999", "limit")]
    [InlineData("after_id=nobody", "after_id")]
    [InlineData("after_id=", "after_id")]
    [InlineData("before_id=nobody", "before_id")]
    [InlineData("after_id=acme/m00&before_id=acme/m01", "after_id")]
    [InlineData("lifecycle[]=dead", "lifecycle[]")]
    [InlineData("lifecycle[]=", "lifecycle[]")]
    [InlineData("lifecycle%5B%5D=Active", "lifecycle[]")]
    public async Task A_query_that_cannot_be_meant_is_refused_by_its_name(string query, string parameter)
    {
        JsonElement error = AnthropicError.Check(await GetAsync("/v1/models?" + query), 400, "invalid_request_error", "field_invalid");
        Assert.Equal(parameter, error.GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("limit=1000", 46)]
    [InlineData("limit=1", 1)]
    [InlineData("limit=1000&beta=true&unknown=x", 46)]
    [InlineData("limit=1000&lifecycle[]=active&lifecycle%5B%5D=retired", 46)]
    [InlineData("lifecycle[]=retired", 0)]
    public async Task A_query_that_can_be_meant_is_obeyed(string query, int models) =>
        Assert.Equal(models, (await GetAsync("/v1/models?" + query)).Json.GetProperty("data").GetArrayLength());

    [Theory]
    [InlineData("/v1/models/acme/m07", "acme/m07")]
    [InlineData("/v1/models/acme%2Fm07", "acme/m07")]
    [InlineData("/v1/models/ACME%2fm07/", "acme/m07")]
    [InlineData("/v1/models/alpha/m07", "acme/m07")]
    [InlineData("/v1/models/quick", "quick")]
    [InlineData("/v1/models/acme/embed", "acme/embed")]
    public async Task One_is_found_by_its_name_however_its_slash_is_written(string path, string id)
    {
        JsonElement model = (await GetAsync(path)).Json;
        Assert.Equal(("model", id), (model.GetProperty("type").GetString(), model.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task One_that_is_not_there_is_404_with_its_name_first()
    {
        JsonElement error = AnthropicError.Check(await GetAsync("/v1/models/claude-3-opus-20240229"), 404, "not_found_error", "model_not_found");
        Assert.StartsWith("model: claude-3-opus-20240229. ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        AnthropicError.Check(await GetAsync("/v1/models/" + new string('x', 4000)), 404, "not_found_error", "model_not_found");
    }

    [Fact]
    public async Task A_head_has_the_headers_alone()
    {
        using HttpClient http = _yard.Client();
        using var request = new HttpRequestMessage(HttpMethod.Head, "/v1/models");
        request.Headers.Add("anthropic-version", "2026-10-21");
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.Equal((200, ""), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.True(response.Headers.Contains("request-id"));
    }

    /// <summary>A day that has passed is not "retired" by itself for those who can still serve; the last living offer decides.</summary>
    [Fact]
    public void A_model_lives_as_long_as_the_last_of_its_offers()
    {
        var today = new DateOnly(2026, 11, 26);
        Assert.Equal("active -", Told(Offer(), Offer(retires: today.AddDays(4))));
        Assert.Equal("deprecated 2026-11-30", Told(Offer(retires: today.AddDays(1)), Offer(retires: today.AddDays(4))));
        Assert.Equal("deprecated 2026-11-30", Told(Offer(retires: today.AddDays(-100)), Offer(retires: today.AddDays(4))));
        Assert.Equal("active -", Told(Offer(retires: today.AddDays(-100)), Offer()));
        Assert.Equal("retired 2026-11-26", Told(Offer(retires: today.AddDays(-100)), Offer(retires: today)));
        Assert.Equal("retired -", Told(Offer(gone: true)));
        Assert.Equal("active -", Told(Offer(gone: true), Offer()));

        string Told(params Offer[] offers)
        {
            ListedModel model = ListedModel.Of("m", offers, today);
            return $"{model.Stage.Word()} {model.RetiresOn?.ToString("yyyy-MM-dd") ?? "-"}";
        }
    }

    [Theory]
    [InlineData("claude-opus-4-5-20251101", "opus")]
    [InlineData("claude-3-5-haiku-20241022", "haiku")]
    [InlineData("anthropic/claude-sonnet-5", "sonnet")]
    [InlineData("claude-fable-5-2", "fable")]
    [InlineData("claude-2.1", null)]
    [InlineData("not-claude-opus", null)]
    [InlineData("sonnet-writer", null)]
    public void A_claude_is_of_a_line_and_nobody_else_is(string model, string? line)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            ListedModel.Of("m", [Offer() with { ProviderModelId = model }], default).Write(json);
        Assert.Equal(line, JsonDocument.Parse(bytes.ToArray()).RootElement.GetProperty("line").GetString());
    }

    [Fact]
    public void What_is_known_is_told_and_what_is_not_is_left_out()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            ListedModel.Of("m",
                [Offer() with { Can = Abilities.Images, Cannot = Abilities.StructuredOutput, MaxOutputTokens = 10, ContextLength = 100 }, Offer() with { Cannot = Abilities.StructuredOutput | Abilities.Images, ContextLength = 200 }],
                default).Write(json);
        }
        JsonElement model = JsonDocument.Parse(bytes.ToArray()).RootElement;
        Assert.Equal((200, 10), (model.GetProperty("max_input_tokens").GetInt32(), model.GetProperty("max_tokens").GetInt32()));
        Assert.Equal("{\"batch\":{\"supported\":false},\"image_input\":{\"supported\":true},\"structured_outputs\":{\"supported\":false}}", model.GetProperty("capabilities").GetRawText());
    }

    public async ValueTask InitializeAsync()
    {
        ProviderSettings provider = GatewayYard.Provider("alpha", "http://127.0.0.1:1/v1", Names);
        ProviderModelSettings embed = GatewayYard.Provider("alpha", "http://127.0.0.1:1/v1", "embed").Models[0] with { Embeddings = true };
        _yard = await GatewayYard.StartAsync(
            [provider with { Models = [.. provider.Models, embed] }], static s => s with { Aliases = [new AliasSettings("quick", ["acme/m01", "acme/m02"])] });
    }

    public ValueTask DisposeAsync() => _yard.DisposeAsync();

    private static Offer Offer(DateOnly? retires = null, bool gone = false) => new()
    {
        Index = 0,
        ModelId = "m",
        Provider = "p",
        ProviderModelId = "m",
        Routes = RouteSet.Chat,
        RetiresOn = retires,
        Status = gone ? OfferStatus.Gone : OfferStatus.Live,
    };

    private static string[] Ids(JsonElement list) => [.. list.GetProperty("data").EnumerateArray().Select(static m => m.GetProperty("id").GetString()!)];

    /// <summary>No key: the list is for everybody.</summary>
    private async Task<Answer> GetAsync(string path)
    {
        using HttpClient http = _yard.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("anthropic-version", "2023-06-01");
        using HttpResponseMessage response = await http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }
}

using System.Text.Json;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>Embeddings. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class EmbeddingCases(ContractYard yard)
{
    [Theory]
    [InlineData("", JsonValueKind.Array)] // 104: who asks for nothing gets numbers
    [InlineData(",\"encoding_format\":\"float\"", JsonValueKind.Array)]
    [InlineData(",\"encoding_format\":\"base64\"", JsonValueKind.String)] // 105: from a provider that gives numbers whatever it is asked
    public async Task Case_104_105_embeddings_come_in_the_form_that_was_asked_for(string format, JsonValueKind kind)
    {
        RawAnswer answer = await yard.PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":"a"{{format}}}""", "/v1/embeddings");

        Assert.Equal((200, "list"), (answer.Status, Text(answer.Json, "object")));
        JsonElement item = answer.Json.GetProperty("data")[0];
        JsonElement vector = item.GetProperty("embedding");
        Assert.Equal(("embedding", kind), (Text(item, "object"), vector.ValueKind));
        float[] numbers = kind == JsonValueKind.Array
            ? [.. vector.EnumerateArray().Select(static n => n.GetSingle())]
            : [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(vector.GetBytesFromBase64())];
        Assert.Equal([0.25f, -0.5f, 1f], numbers);
        Assert.Equal(3, answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt64());
    }

    [Fact]
    public async Task Case_107_nothing_to_embed_is_400_and_too_much_413()
    {
        Refused(await yard.PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":[]}""", "/v1/embeddings"), 400, "field_invalid");
        string many = string.Join(',', Enumerable.Repeat("\"a\"", 2_049));
        RawAnswer answer = await yard.PostAsync($$"""{"model":"{{ContractYard.Embedder}}","input":[{{many}}]}""", "/v1/embeddings");
        Refused(answer, 413, "too_large");
        Assert.Contains("2048", answer.Text, StringComparison.Ordinal);
    }
}

using System.Text.Json;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>The model that ships with the product, against what transformers answered from the same file.</summary>
public sealed class GuideDecoderTests
{
    [Fact]
    public void The_guide_answers_every_recorded_conversation_token_by_token_as_the_reference_does()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Guide);
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Kv = KvType.F32 });
        using KvCache cache = decoder.NewCache(512 / KvCache.BlockPositions);
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "guide", "expected.json")));
        int conversations = 0;
        foreach (JsonElement conversation in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            int[] prompt = Ints(conversation.GetProperty("input_ids")), answer = Ints(conversation.GetProperty("output_ids"));
            var reader = new Reader(decoder, cache);
            float[] scores = reader.Read(prompt)[^decoder.Shape.VocabularySize..];
            double total = Math.Log(scores.Sum(score => Math.Exp(score)));
            foreach (JsonElement best in conversation.GetProperty("first_top5").EnumerateArray())
            {
                double logprob = best.GetProperty("logprob").GetDouble();
                Assert.Equal(logprob, scores[best.GetProperty("id").GetInt32()] - total, 2e-4 + (2e-4 * Math.Abs(logprob)));
            }

            List<int> said = [];
            while (said.Count < answer.Length)
            {
                said.Add(Array.IndexOf(scores, scores.Max()));
                scores = reader.Read(said[^1]);
            }

            Assert.Equal(answer, said);
            reader.Leave();
            conversations++;
        }

        Assert.Equal(11, conversations);
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];
}

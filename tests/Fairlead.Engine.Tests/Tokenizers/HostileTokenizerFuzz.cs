using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Real tokenizer files, damaged at random: each is read and used, or refused with the one exception there is, in bounded time and memory.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class HostileTokenizerFuzz
{
    private static readonly string[] s_words =
    [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "-1", "1e999", "4294967296", "2147483647", "\"\\ud800\"", "\\u0000", "{}", "[]", "\"\"",
        "\"type\":\"Sequence\",", "\"type\":\"ByteLevel\",", "\"type\":\"Metaspace\",", "\"type\":\"BPE\",", "\"type\":\"Unigram\",", "\"type\":\"WordPiece\",", "\"type\":\"Fuse\",", "\"type\":\"CTC\",",
        "\"(a+)+$\"", "\"(a|a)*b\"", "\"[[[[\"", "\"\\\\p{L}{1,99999}\"", "\"(?=(\\\\s*)*)\"", "\"Regex\":", "\"String\":", "\"byte_fallback\":true,", "\"fuse_unk\":false,", "\"ignore_merges\":true,",
        "\"end_of_word_suffix\":\"</w>\",", "\"continuing_subword_prefix\":\"##\",", "\"unk_token\":\"x\",", "\"merges\":[],", "\"vocab\":{},", "\"add_prefix_space\":true,", "▁", "Ġ", "🙂", "\uFEFF",
    ];

    [Fact]
    public void A_damaged_tokenizer_json_is_used_or_refused()
    {
        byte[][] good = [.. TokenizerGoldenTests.Kinds.Select(row => System.Text.Encoding.UTF8.GetBytes(TokenizerSettingsTests.Golden(row.Data).ToJsonString()))];
        string[] texts = [.. TokenizerGoldenTests.Texts.Take(45), new string('a', 3_000) + "!", string.Concat(Enumerable.Repeat("日🙂 <s>\r\n", 300))];
        foreach (byte[] file in good)
            Use(file, texts); // so that no first call is measured below
        int rounds = 0, refused = 0;
        foreach (int round in Fuzz.Rounds(20))
        {
            int seed = Fuzz.Seed + round;
            rounds++;
            var random = new Random(seed);
            byte[] bytes = Damaged(good[random.Next(good.Length)], random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan begun = ThreadTime.Now;
            try
            {
                Use(bytes, texts);
            }
            catch (ModelFileException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 400L << 20, $"seed {seed}: {allocated} bytes allocated for a file of {bytes.Length}");
            Assert.True(ThreadTime.Now - begun < TimeSpan.FromSeconds(20), $"seed {seed}: {ThreadTime.Now - begun}");
        }
        Assert.True(refused > 0 && refused < rounds, $"{refused} of {rounds} damaged files were refused");
    }

    private static void Use(byte[] json, string[] texts)
    {
        Tokenizer tokenizer = Tokenizer.FromJson("tokenizer.json", json);
        foreach (string text in texts)
        {
            Encoding encoding = tokenizer.EncodePair(text, "x", addSpecialTokens: true);
            Assert.Equal(tokenizer.Decode(encoding.Ids, skipSpecialTokens: false), StreamDecoderTests.Streamed(tokenizer, encoding.Ids, skip: false));
        }

        for (int id = -1; id <= Math.Min(tokenizer.VocabularySize, 2_000); id++)
            tokenizer.BytesOf(id);
    }

    // Mostly ahead of the vocabulary or at its beginning, where the settings are.
    private static byte[] Damaged(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int wounds = random.Next(1, 4); wounds > 0; wounds--)
        {
            int reach = random.Next(3) == 0 ? bytes.Count : Math.Min(bytes.Count, 3_000);
            int at = random.Next(reach);
            if (random.Next(2) == 0)
            {
                // at the border of a value, so that the file often stays JSON
                int border = bytes.FindIndex(at, value => value is (byte)',' or (byte)'{' or (byte)':');
                at = border < 0 ? at : border + 1;
            }

            switch (random.Next(5))
            {
                case 0:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    int from = random.Next(bytes.Count);
                    bytes.InsertRange(at, bytes.GetRange(from, Math.Min(random.Next(1, 60), bytes.Count - from)));
                    break;
                default:
                    bytes.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(s_words[random.Next(s_words.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}

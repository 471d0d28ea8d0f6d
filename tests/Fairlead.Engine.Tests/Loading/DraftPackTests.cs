using System.Collections.Concurrent;
using System.Threading.Channels;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Generation.Speculation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tests.Generation;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>A draft's matrices are quantised and kept as its model's are, in a file of their own beside them.</summary>
public sealed class DraftPackTests : IDisposable
{
    private static readonly string s_family = KernelChoice.Family.ToString().ToLowerInvariant();
    private readonly TemporaryFolder _files = new();
    private readonly ConcurrentQueue<string> _lines = [];

    [Theory]
    [InlineData(null, "stored")]
    [InlineData(ElementType.Q8_0, "q8_0")]
    public async Task Both_are_kept_and_the_next_load_reads_both_and_answers_the_same(ElementType? quantize, string name)
    {
        LanguageModelOptions options = Options() with { Quantize = quantize };
        string answer;
        using (LanguageModel packed = LanguageModel.Open(Goldens.Guide, options))
        {
            Assert.Equal((quantize, quantize), (packed.Packing.Quantized, packed.DraftPacking!.Quantized));
            Assert.True(await packed.KeepPack());
            answer = await AnswerAsync(packed);
        }

        Assert.Equal([$"{s_family}-{name}-draft.pack", $"{s_family}-{name}.pack"], Packs());
        Assert.Equal(2, _lines.Count);
        using LanguageModel read = LanguageModel.Open(Goldens.Guide, options);
        Assert.True(read.Packing.IsRead && read.DraftPacking!.IsRead);
        Assert.False(await read.KeepPack());
        Assert.Equal(answer, await AnswerAsync(read));
        using LanguageModel alone = LanguageModel.Open(Goldens.Guide, options with { Draft = null, Packs = null });
        Assert.Equal(answer, await AnswerAsync(alone));
    }

    [Fact]
    public async Task A_pack_that_is_damaged_costs_its_own_model_alone_the_packing()
    {
        LanguageModelOptions options = Options();
        using (LanguageModel first = LanguageModel.Open(Goldens.Guide, options))
            Assert.True(await first.KeepPack());
        string path = Path.Combine(options.Packs!.Folder, $"{s_family}-stored-draft.pack");
        byte[] good = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), bad = [.. good];
        bad[^1000] ^= 1;
        await File.WriteAllBytesAsync(path, bad, TestContext.Current.CancellationToken);
        _lines.Clear();
        using LanguageModel second = LanguageModel.Open(Goldens.Guide, options);
        Assert.Equal((true, false), (second.Packing.IsRead, second.DraftPacking!.IsRead));
        Assert.StartsWith($"The pack {path} was not used: it is damaged", Assert.Single(_lines), StringComparison.Ordinal);
        Assert.True(await second.KeepPack());
        Assert.True((await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(good));
    }

    [Fact]
    public async Task The_pack_of_the_model_is_none_for_its_draft_though_they_hold_the_same()
    {
        LanguageModelOptions options = Options();
        using (LanguageModel first = LanguageModel.Open(Goldens.Guide, options))
            Assert.True(await first.KeepPack());
        string path = Path.Combine(options.Packs!.Folder, $"{s_family}-stored-draft.pack");
        File.Copy(Path.Combine(options.Packs.Folder, $"{s_family}-stored.pack"), path, overwrite: true);
        _lines.Clear();
        using LanguageModel second = LanguageModel.Open(Goldens.Guide, options);
        Assert.Equal((true, false), (second.Packing.IsRead, second.DraftPacking!.IsRead));
        Assert.StartsWith($"The pack {path} was not used: it was packed from other files", Assert.Single(_lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_both_take_together_is_bounded_and_the_models_own_comes_first()
    {
        LanguageModelOptions options = Options();
        using LanguageModel first = LanguageModel.Open(Goldens.Guide, options with { Packs = options.Packs! with { MostBytes = 0 } });
        long bytes = first.Packing.Bytes;
        Assert.False(await first.KeepPack());
        Assert.Empty(Packs());
        _lines.Clear();
        using LanguageModel second = LanguageModel.Open(Goldens.Guide, options with { Packs = options.Packs with { MostBytes = bytes + (bytes / 2) } });
        Assert.True(await second.KeepPack());
        Assert.Equal([$"{s_family}-stored.pack"], Packs());
        Assert.Single(_lines, static line => line.Contains(" of the model that they guess for, and all packs together may take ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_draft_that_is_quantised_already_stays_as_it_is_stored_beside_a_model_that_is_quantised()
    {
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama"));
        HubToGguf.Convert(hub, ElementType.Q8_0).WriteTo(_files["small.gguf"]);
        using ModelFolder model = ModelFolder.Open(Goldens.Guide);
        var options = new LanguageModelOptions { Quantize = ElementType.Q4_0 };
        using DraftPlan stored = DraftPlan.Read(_files["small.gguf"], model, 512, options, outlineOnly: true), quantised = DraftPlan.Read(Goldens.Checkpoint("llama"), model, 512, options, outlineOnly: true);
        Assert.Null(stored.Decoder.Packing.Quantize);
        Assert.Contains(stored.Decoder.Packing.Parts, static part => part.Type == ElementType.Q8_0);
        Assert.DoesNotContain(stored.Decoder.Packing.Parts, static part => part.Type == ElementType.Q4_0);
        Assert.Equal(ElementType.Q4_0, quantised.Decoder.Packing.Quantize);
        Assert.Contains(quantised.Decoder.Packing.Parts, static part => part.Type == ElementType.Q4_0);
    }

    public void Dispose() => _files.Dispose();

    /// <summary>The guide and a copy of it as its draft, and a folder for the packs of both.</summary>
    private LanguageModelOptions Options()
    {
        foreach (string folder in (string[])["draft", "packs"])
            Directory.CreateDirectory(_files[folder]);
        foreach (string file in Directory.EnumerateFiles(Goldens.Guide))
            File.Copy(file, Path.Combine(_files["draft"], Path.GetFileName(file)), overwrite: true);
        return new LanguageModelOptions { Draft = _files["draft"], Threads = 1, Slots = 1, Packs = new PackStore(_files["packs"], _lines.Enqueue) { LeastBytes = 1 } };
    }

    private string[] Packs() => [.. Directory.GetFiles(_files["packs"]).Select(static file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static async Task<string> AnswerAsync(LanguageModel model)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. model.Tokenizer.Encode("<|bos|><|user|>What is Fairlead?<|end|><|assistant|>", addSpecialTokens: false).Ids],
            MaxTokens = 40,
            Sampling = new SamplingSettings { Temperature = 0 },
        };
        Assert.True(model.TryStart(request, TestContext.Current.CancellationToken, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return (await Answers.ReadAsync(events)).Text();
    }
}

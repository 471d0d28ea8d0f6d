using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;

namespace Fairlead.Worker;

/// <summary>The loaded model: one that writes, or one that embeds.</summary>
internal sealed class ServedModel : IDisposable
{
    private ServedModel(LanguageServed? language, EmbeddingServed? embedding)
    {
        Language = language;
        Embedding = embedding;
    }

    /// <summary>Null where the model embeds.</summary>
    public LanguageServed? Language { get; }

    /// <summary>Null where the model writes.</summary>
    public EmbeddingServed? Embedding { get; }

    /// <summary>What it will need: from its headers, before a weight is read.</summary>
    /// <exception cref="ModelFileException">It cannot be loaded: which file, where in it, why.</exception>
    public static ModelNeed Measure(WorkerOptions options) => EmbeddingModel.IsEmbeddingModel(options.Path)
        ? EmbeddingServed.Measure(options)
        : LanguageServed.Measure(options);

    /// <summary>Loads it, of the very files that were measured.</summary>
    /// <exception cref="ModelFileException">It cannot be: which file, where in it, why; or a file is another one by now.</exception>
    public static ServedModel Load(WorkerOptions options, ModelNeed need, PackStore? packs, IProgress<double> progress, TimeProvider clock)
    {
        RefuseChanged(need.Files);
        var meter = new LoadMeter(need.LoadBytes, progress);
        ServedModel model;
        try
        {
            model = need.IsEncoder ? new ServedModel(null, EmbeddingServed.Open(options, packs, meter)) : new ServedModel(LanguageServed.Open(options, packs, meter, clock), null);
        }
        catch (ModelFileException)
        {
            RefuseChanged(need.Files); // what is wrong in a file that was changed meanwhile is only what follows from that
            throw;
        }

        try
        {
            // Whatever was between the two moments, these are the files that were mapped.
            RefuseChanged(need.Files);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void RefuseChanged(ImmutableArray<FileStamp> files)
    {
        foreach (FileStamp file in files)
        {
            if (file.Change() is { } change)
                throw new ModelFileException(file.Name, null, $"{change} while the model was being loaded; ask again when the files are complete");
        }
    }

    /// <summary>What it does and has done.</summary>
    public WorkerFigures Figures => Language?.Figures ?? Embedding!.Figures;

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => Language?.Packing ?? Embedding!.Packing;

    /// <summary>Begins to keep its packed weights for the next load, if this one has made them; see <see cref="Engine.Generation.LanguageModel.KeepPack"/>.</summary>
    public Task<bool> KeepPack() => Language?.KeepPack() ?? Embedding!.KeepPack();

    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabularySize => Language?.VocabularySize ?? Embedding!.VocabularySize;

    /// <summary>The tokens of a text.</summary>
    public int[] Tokenize(string text, bool addSpecial) => Language?.Tokenize(text, addSpecial) ?? Embedding!.Tokenize(text, addSpecial);

    /// <summary>The text of tokens.</summary>
    public string Detokenize(ReadOnlySpan<int> tokens) => Language is { } language ? language.Detokenize(tokens) : Embedding!.Detokenize(tokens);

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        Language?.WriteFacts(json);
        Embedding?.WriteFacts(json);
        Figures.Write(json);
        json.WriteNumber("resident_bytes", Environment.WorkingSet);
    }

    public void Dispose()
    {
        Language?.Dispose();
        Embedding?.Dispose();
    }
}

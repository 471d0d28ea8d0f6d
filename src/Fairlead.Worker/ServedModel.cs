using System.Text.Json;
using Fairlead.Engine.Embeddings;

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

    /// <summary>Loads it.</summary>
    /// <exception cref="Engine.Formats.ModelFileException">It cannot be: which file, where in it, why.</exception>
    public static ServedModel Load(WorkerOptions options, TimeProvider clock) => EmbeddingModel.IsEmbeddingModel(options.Path)
        ? new ServedModel(null, EmbeddingServed.Open(options))
        : new ServedModel(LanguageServed.Open(options, clock), null);

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        Language?.WriteFacts(json);
        Embedding?.WriteFacts(json);
    }

    public void Dispose()
    {
        Language?.Dispose();
        Embedding?.Dispose();
    }
}

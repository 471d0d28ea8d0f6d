using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker;

/// <summary>A model that makes vectors of texts.</summary>
internal sealed class EmbeddingServed : IDisposable
{
    private readonly EmbeddingModel _model;

    private EmbeddingServed(EmbeddingModel model) => _model = model;

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static ModelNeed Measure(WorkerOptions options) => options is { Draft: null, Guesses: null }
        ? EmbeddingModel.Measure(options.Path, Chosen(options))
        : throw new ModelFileException(options.Path, null, $"is an encoder, which writes no text that could be guessed ahead; leave {(options.Draft is null ? "guesses" : "the draft")} out");

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static EmbeddingServed Open(WorkerOptions options, PackStore? packs, LoadMeter meter) => new(EmbeddingModel.Open(options.Path, Chosen(options) with { Packs = packs }, meter));

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _model.Packing;

    /// <summary>Begins to keep its packed weights for the next load.</summary>
    public Task<bool> KeepPack() => _model.KeepPack();

    /// <summary>The vectors, or why there are none.</summary>
    public async Task<(EmbeddingAnswer? Answer, Problem? Problem)> EmbedAsync(EmbeddingRequest request, CancellationToken gone)
    {
        if (request.Dimensions > _model.Dimension)
        {
            var problem = new Problem(ProblemKind.FieldInvalid, $"'dimensions' is {request.Dimensions}; this model's vectors have {_model.Dimension} numbers. Ask for fewer, or leave it out.", "dimensions");
            return (null, problem);
        }
        EmbeddingInput[] inputs = [.. request.Inputs.Select(static input => input.Text is { } text ? new EmbeddingInput(text) : new EmbeddingInput(input.Ids))];
        if (!_model.TryStart(inputs, request.Truncate, gone, out Task<EmbeddingVector[]>? computed, out EmbeddingRefusal? refusal))
            return (null, Refusal.Of(refusal));
        EmbeddingVector[] vectors = await computed;
        var answer = new EmbeddingAnswer([.. vectors.Select(vector => Shorten(vector.Values, request.Dimensions))], vectors.Sum(static vector => vector.Tokens))
        {
            Cut = [.. vectors.Index().Where(static v => v.Item.IsCut).Select(static v => $"input[{v.Index}]")],
        };
        return (answer, null);
    }

    /// <summary>The tokens of a text.</summary>
    public int[] Tokenize(string text, bool addSpecial) => _model.Tokenize(text, addSpecial).Ids;

    /// <summary>The text of tokens.</summary>
    public string Detokenize(ReadOnlySpan<int> tokens) => _model.Detokenize(tokens);

    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabularySize => _model.VocabularySize;

    /// <summary>What it does and has done.</summary>
    public WorkerFigures Figures
    {
        get
        {
            EmbeddingCounters counters = _model.Counters;
            return new WorkerFigures(counters.Slots, counters.Running, counters.Waiting)
            {
                TokensRead = counters.Tokens,
                Steps = counters.Passes,
                BusySeconds = counters.BusySeconds,
                BatchFill = counters.BatchFill,
            };
        }
    }

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        json.WriteString("kind", "embedding");
        json.WriteNumber("context_length", _model.MaxTokens);
        json.WriteNumber("dimensions", _model.Dimension);
    }

    public void Dispose() => _model.Dispose();

    private static EmbeddingOptions Chosen(WorkerOptions options) => new() { Threads = options.Threads, Quantize = Quantizing.TypeOf(options.Quantize) };

    /// <summary>The leading numbers, scaled to length one again, as models that are made for it want to be cut (arXiv 2205.13147).</summary>
    internal static float[] Shorten(float[] vector, int? dimensions)
    {
        if (dimensions is not { } count || count == vector.Length)
            return vector;
        float[] head = vector[..count];
        double length = Math.Sqrt(head.Sum(static v => (double)v * v));
        if (length > 0)
        {
            for (int i = 0; i < head.Length; i++)
                head[i] = (float)(head[i] / length);
        }
        return head;
    }
}

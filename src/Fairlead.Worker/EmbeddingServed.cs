using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Loading;
using Fairlead.Worker.Requests;

namespace Fairlead.Worker;

/// <summary>A model that makes vectors of texts.</summary>
internal sealed class EmbeddingServed : IDisposable
{
    private readonly EmbeddingModel _model;

    private EmbeddingServed(EmbeddingModel model) => _model = model;

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static ModelNeed Measure(WorkerOptions options) => EmbeddingModel.Measure(options.Path, Chosen(options));

    /// <exception cref="Engine.Formats.ModelFileException">It cannot be loaded.</exception>
    public static EmbeddingServed Open(WorkerOptions options, LoadMeter meter) => new(EmbeddingModel.Open(options.Path, Chosen(options), meter));

    /// <summary>The vectors; null with a problem where they cannot be made.</summary>
    public EmbeddingAnswer? Embed(EmbeddingRequest request, CancellationToken gone, out Problem? problem)
    {
        if (request.Dimensions > _model.Dimension)
        {
            problem = new Problem(ProblemKind.FieldInvalid, $"'dimensions' is {request.Dimensions}; this model's vectors have {_model.Dimension} numbers. Ask for fewer, or leave it out.", "dimensions");
            return null;
        }
        EmbeddingInput[] inputs = [.. request.Inputs.Select(static input => input.Text is { } text ? new EmbeddingInput(text) : new EmbeddingInput(input.Ids))];
        if (_model.Embed(inputs, request.Truncate, out EmbeddingRefusal? refusal, gone) is not { } vectors)
        {
            problem = new Problem(refusal!.IsTooLong ? ProblemKind.ContextTooLong : ProblemKind.FieldInvalid, Refusal.Bound(refusal.Message), "input");
            return null;
        }
        problem = null;
        return new EmbeddingAnswer([.. vectors.Select(vector => Shorten(vector.Values, request.Dimensions))], vectors.Sum(static vector => vector.Tokens))
        {
            Cut = [.. vectors.Index().Where(static v => v.Item.IsCut).Select(static v => $"input[{v.Index}]")],
        };
    }

    /// <summary>What <c>/health</c> tells of it.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        json.WriteString("kind", "embedding");
        json.WriteNumber("context_length", _model.MaxTokens);
        json.WriteNumber("dimensions", _model.Dimension);
    }

    public void Dispose() => _model.Dispose();

    private static EmbeddingOptions Chosen(WorkerOptions options) => new() { Threads = options.Threads };

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

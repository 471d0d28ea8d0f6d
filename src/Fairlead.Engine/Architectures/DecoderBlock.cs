using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Attention = Fairlead.Engine.Layers.Attention;
using Norm = Fairlead.Engine.Layers.Norm;
using Rope = Fairlead.Engine.Layers.Rope;

namespace Fairlead.Engine.Architectures;

/// <summary>One layer of a decoder: attention and a feed-forward layer, each added to the stream.</summary>
internal sealed unsafe class DecoderBlock : IDisposable
{
    private readonly Norm? _beforeAttention;
    private readonly Norm? _afterAttention;
    private readonly Norm? _beforeMlp;
    private readonly Norm? _afterMlp;
    private readonly Attention _attention;
    private readonly Mlp? _mlp;
    private readonly Moe? _moe;
    private readonly int _width;
    private readonly bool _parallel;
    private readonly float _residualScale;

    /// <summary>Over weights that stay where they are.</summary>
    public DecoderBlock(DecoderDesign design, LayerWeights weights, int layer, Rope? rope, PackedWeights packs)
    {
        Norm? Make(NormWeights? norm) => norm is { } some ? new Norm(design.Norm, design.NormEpsilon, some, design.NormAddsOne) : null;

        (_width, _parallel, _residualScale) = (design.Width, design.Parallel, design.ResidualScale);
        _beforeAttention = Make(weights.BeforeAttention);
        _afterAttention = Make(weights.AfterAttention);
        _beforeMlp = Make(weights.BeforeMlp);
        _afterMlp = Make(weights.AfterMlp);
        var shape = new AttentionShape(design.Heads, design.KvHeads, design.HeadDimension, design.HeadDimension, design.AttentionScale)
        {
            Window = design.WindowOf(layer),
            SoftCap = design.AttentionCap,
        };
        _attention = new Attention(weights.Qkv, weights.Output, Make(weights.QueryNorm), Make(weights.KeyNorm), shape, rope, design.Alibi, layer, packs);
        if (weights.Mlp is { } mlp)
            _mlp = new Mlp(mlp, design.Activation, packs);
        if (weights.Moe is { } moe && design.Moe is { } experts)
            _moe = new Moe(moe, design.Activation, experts.PerToken, experts.Normalised, packs);
    }

    /// <summary>Takes the stream <c>[rows × width]</c> through the layer, in place.</summary>
    public void Forward(float* stream, ReadOnlySpan<StepRow> step, KvCache cache, DecoderRoom room, WorkCrew? crew)
    {
        int rows = step.Length;
        float* read = Normalised(_beforeAttention, stream, room.Normed.Data, rows, crew);
        float* answer = room.Answer.Data;
        _attention.Forward(read, answer, step, cache, room.Inner.Data, room.Pieces, room.Prompts, crew);
        Normalised(_afterAttention, answer, answer, rows, crew);
        if (_parallel)
        {
            // The feed-forward layer still reads the stream as it came: attention's answer waits beside it.
            read = _beforeMlp is null ? read : Normalised(_beforeMlp, stream, room.Normed.Data, rows, crew);
            FeedForward(read, room.Second.Data, rows, room, crew);
            Add(stream, room.Second.Data, rows, crew);
            Add(stream, answer, rows, crew);
            return;
        }

        Add(stream, answer, rows, crew);
        FeedForward(Normalised(_beforeMlp, stream, room.Normed.Data, rows, crew), answer, rows, room, crew);
        Normalised(_afterMlp, answer, answer, rows, crew);
        Add(stream, answer, rows, crew);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _beforeAttention?.Dispose();
        _afterAttention?.Dispose();
        _beforeMlp?.Dispose();
        _afterMlp?.Dispose();
        _attention.Dispose();
        _mlp?.Dispose();
        _moe?.Dispose();
    }

    private static float* Normalised(Norm? norm, float* input, float* output, int rows, WorkCrew? crew)
    {
        if (norm is null)
            return input;
        norm.Forward(input, output, rows, crew);
        return output;
    }

    private void FeedForward(float* input, float* output, int rows, DecoderRoom room, WorkCrew? crew)
    {
        _mlp?.Forward(input, output, rows, room.Inner.Data, crew);
        if (_moe is not null && room.Moe is not null)
            _moe.Forward(input, output, rows, room.Inner.Data, room.Moe, crew);
    }

    private void Add(float* stream, float* answer, int rows, WorkCrew? crew) => RowCrew.Run(rows, _width, new Sum(stream, answer, _residualScale, _width), crew);

    private readonly struct Sum(float* stream, float* answer, float scale, int width) : IRowWork
    {
        public void Do(int first, int end) =>
            Elementwise.AddScaled(stream + ((long)first * width), answer + ((long)first * width), scale, (long)(end - first) * width);
    }
}

/// <summary>The activations of one pass, shared by all layers.</summary>
internal sealed class DecoderRoom : IDisposable
{
    /// <summary>Room for <paramref name="rows"/> rows of a decoder whose texts have up to <paramref name="context"/> positions.</summary>
    /// <param name="promptThreads">Threads that read prompts in another way than answers; 0: there is no other way.</param>
    public DecoderRoom(DecoderDesign design, DecoderWeights weights, int rows, int context, int promptThreads)
    {
        long stream = (long)rows * design.Width;
        Stream = new NativeBuffer<float>(stream);
        Normed = new NativeBuffer<float>(stream);
        Answer = new NativeBuffer<float>(stream);
        Second = new NativeBuffer<float>(design.Parallel ? stream : 0);
        Inner = new NativeBuffer<float>(rows * InnerPerRow(design, weights));
        Pieces = new AttentionRoom(design.Heads, design.HeadDimension, context);
        Prompts = promptThreads > 0 ? new PromptRoom(design.Heads, design.KvHeads, design.HeadDimension, design.HeadDimension, promptThreads) : null;
        Moe = design.Moe is { } moe ? new MoeRoom(rows, design.Width, moe.Experts) : null;
    }

    /// <summary>Bytes that such room takes.</summary>
    public static long BytesFor(DecoderDesign design, DecoderWeights weights, int rows, int context, int promptThreads)
    {
        long perRow = ((design.Parallel ? 4L : 3L) * design.Width) + InnerPerRow(design, weights) + (design.Moe is { } moe ? moe.Experts + (2L * design.Width) : 0);
        return (rows * perRow * sizeof(float)) + AttentionRoom.BytesFor(design.Heads, design.HeadDimension, context)
            + PromptRoom.BytesFor(design.Heads, design.KvHeads, design.HeadDimension, design.HeadDimension, promptThreads);
    }

    /// <summary>The residual stream.</summary>
    public NativeBuffer<float> Stream { get; }

    /// <summary>What a sublayer reads.</summary>
    public NativeBuffer<float> Normed { get; }

    /// <summary>What a sublayer gives.</summary>
    public NativeBuffer<float> Answer { get; }

    /// <summary>What the second of two parallel sublayers gives.</summary>
    public NativeBuffer<float> Second { get; }

    /// <summary>What happens inside a sublayer.</summary>
    public NativeBuffer<float> Inner { get; }

    /// <summary>What attention keeps between its threads.</summary>
    public AttentionRoom Pieces { get; }

    /// <summary>What attention keeps of prompts; null where they are read as answers are.</summary>
    public PromptRoom? Prompts { get; }

    /// <summary>What experts need beside that; null without any.</summary>
    public MoeRoom? Moe { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stream.Dispose();
        Normed.Dispose();
        Answer.Dispose();
        Second.Dispose();
        Inner.Dispose();
        Pieces.Dispose();
        Prompts?.Dispose();
        Moe?.Dispose();
    }

    private static long InnerPerRow(DecoderDesign design, DecoderWeights weights)
    {
        int widestMlp = Math.Max(design.FeedForward, Math.Max(design.Moe?.FeedForward ?? 0, design.Moe?.SharedFeedForward ?? 0));
        return Math.Max(Attention.RoomPerRow(weights.Layers[0].Qkv, design.Heads, design.KvHeads, design.HeadDimension), 2L * widestMlp);
    }
}

using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Norm = Fairlead.Engine.Layers.Norm;
using Rope = Fairlead.Engine.Layers.Rope;

namespace Fairlead.Engine.Architectures;

/// <summary>A language model that predicts the next token: embedding, layers, head.</summary>
/// <remarks>
/// There is one way through it. A step is a list of rows, each a token at a position of some sequence: a prompt is many rows of one
/// sequence, decoding is one row of each, and any mixture is as good. A row's scores do not depend, bit for bit, on the other rows of
/// the step, nor on how a prompt was cut into steps; on its phase they do where <see cref="DependsOnPhase"/>.
/// Weights stay in the mapped file, or are packed for the kernels. One thread at a time: the activations of a step are the decoder's own and are used again, so a step
/// allocates nothing.
/// </remarks>
public sealed unsafe class Decoder : IDisposable
{
    private readonly DecoderDesign _design;
    private readonly Embedding _tokens;
    private readonly Embedding? _positions;
    private readonly Norm? _embeddingNorm;
    private readonly DecoderBlock[] _blocks;
    private readonly Rope[] _ropes;
    private readonly Norm _finalNorm;
    private readonly Linear _head;
    private readonly DecoderRoom _room;
    private readonly WorkCrew _crew;
    private readonly bool _ownsCrew;
    private readonly PackedWeights _packs;
    private readonly int _rowsPerPass;
    private readonly KvType _kv;

    private Decoder(DecoderPlan plan, WorkCrew crew, bool ownsCrew, PackedWeights packs)
    {
        (DecoderDesign design, DecoderWeights weights) = (plan.Design, plan.Weights);
        _design = design;
        Shape = plan.Shape;
        _kv = plan.Options.Kv;
        _rowsPerPass = plan.Options.RowsPerPass;
        (_crew, _ownsCrew, _packs) = (crew, ownsCrew, packs);
        _tokens = new Embedding(weights.Tokens);
        _positions = weights.Positions is { } positions ? new Embedding(positions) : null;
        Norm Make(NormWeights norm) => new(design.Norm, design.NormEpsilon, norm, design.NormAddsOne);
        _embeddingNorm = weights.EmbeddingNorm is { } embeddingNorm ? Make(embeddingNorm) : null;
        _ropes = [.. design.Ropes.Select(settings => new Rope(settings, Shape.ContextLength, _rowsPerPass))];
        _blocks = [.. weights.Layers.Select((layer, index) => new DecoderBlock(design, layer, index, design.RopeOf(index) is >= 0 and var rope ? _ropes[rope] : null, _packs))];
        _finalNorm = Make(weights.FinalNorm);
        _head = new Linear(weights.Head, _packs);
        _room = new DecoderRoom(design, weights, _rowsPerPass, Shape.ContextLength, _packs.DependsOnPhase ? crew.Threads : 0);
    }

    /// <summary>Sizes that a caller needs.</summary>
    public DecoderShape Shape { get; }

    /// <summary>Whether a row's bits depend on its phase.</summary>
    public bool DependsOnPhase => _packs.DependsOnPhase;

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _packs.Report;

    /// <inheritdoc cref="PackedWeights.Keep"/>
    internal Task<bool> KeepPack() => _packs.Keep();

    /// <summary>Builds the decoder of <paramref name="folder"/>, whose weights it reads where they are mapped: the folder must outlive it.</summary>
    /// <exception cref="ModelFileException">
    /// The architecture, an option or a tensor is not what this engine can compute. Said before anything is allocated, by name, with what
    /// would serve it.
    /// </exception>
    public static Decoder Load(ModelFolder folder, DecoderOptions? options = null) => Load(DecoderPlan.Read(folder, options ?? new DecoderOptions()));

    /// <summary>The same from the two readers, of which nothing has been read yet.</summary>
    internal static Decoder Load(ConfigReader config, CheckpointReader weights, DecoderOptions options) => Load(DecoderPlan.Read(config, weights, options));

    /// <summary>The same of what was checked already; a plan is built once.</summary>
    /// <param name="meter">Hears how far the load is; null where nobody waits for it.</param>
    /// <param name="beside">A decoder that computes in turns with this one and outlives it: its threads are used, so that none spins beside them. Null: threads of its own.</param>
    /// <param name="pack">Where an earlier load may have kept the packed matrices; null: nowhere.</param>
    /// <exception cref="ModelFileException">A file has become shorter than it was, or the disk failed.</exception>
    internal static Decoder Load(DecoderPlan plan, LoadMeter? meter = null, Decoder? beside = null, PackFile? pack = null)
    {
        WorkCrew crew = beside?._crew ?? new WorkCrew(plan.Options.Threads);
        try
        {
            return new Decoder(plan, crew, beside is null, PackedWeights.Load(plan.Packing, plan.Options.RowsPerPass, plan.Source, crew, meter, pack));
        }
        catch
        {
            if (beside is null)
                crew.Dispose();
            throw;
        }
    }

    /// <summary>The same over zeros in place of packed matrices, for <see cref="Miniature"/>: it runs the code and says nothing.</summary>
    internal static Decoder Blank(DecoderPlan plan) =>
        new(plan, new WorkCrew(plan.Options.Threads), ownsCrew: true, PackedWeights.Blank(plan.Packing, plan.Options.RowsPerPass, plan.Options.Threads));

    /// <summary>A cache of <paramref name="blocks"/> blocks for this model's keys and values.</summary>
    public KvCache NewCache(int blocks) => new(_kv, Shape.Layers, Shape.KvHeads, Shape.KeyDimension, Shape.ValueDimension, blocks);

    /// <summary>Computes <paramref name="rows"/>: adds their keys and values to <paramref name="cache"/> and writes the scores that are wanted.</summary>
    /// <param name="rows">At least one, of any number of sequences; the rows of one stand together, in ascending order and without gaps.</param>
    /// <param name="cache">Made by <see cref="NewCache"/>; holds everything of the sequences before these rows.</param>
    /// <param name="logits"><c>[rows that want them × vocabulary]</c>, in the order of the rows.</param>
    /// <exception cref="ArgumentException">A token, a position or a length is out of range; nothing was computed.</exception>
    public void Step(ReadOnlySpan<StepRow> rows, KvCache cache, Span<float> logits) => Step(rows, cache, logits, []);

    /// <summary>The same, and what the stream is before, between and after the layers.</summary>
    /// <param name="hidden"><c>[layers + 1 × rows × width]</c>, or empty: the embeddings, then the stream after each layer, the last one after the final norm.</param>
    internal void Step(ReadOnlySpan<StepRow> rows, KvCache cache, Span<float> logits, Span<float> hidden)
    {
        Check(rows, cache);
        CheckScores(rows, logits);
        float* stream = _room.Stream.Data;
        for (int first = 0, scored = 0, count; first < rows.Length; first += count)
        {
            count = PassLength(rows[first..]);
            ReadOnlySpan<StepRow> pass = rows.Slice(first, count);
            var observation = new Observation(hidden, rows.Length, first);
            SetPositions(pass);
            Embed(pass, stream);
            observation.Write(0, stream, count, _design.Width);
            for (int layer = 0; layer < _blocks.Length; layer++)
            {
                Forward(layer, pass, stream, cache);
                if (layer < _blocks.Length - 1)
                    observation.Write(layer + 1, stream, count, _design.Width);
            }

            if (observation.IsWanted)
            {
                _finalNorm.Forward(stream, _room.Normed.Data, count);
                observation.Write(_blocks.Length, _room.Normed.Data, count, _design.Width);
            }

            scored += Score(pass, stream, logits[(scored * Shape.VocabularySize)..]);
        }
    }

    /// <summary>A way through the layers that can be interrupted by any <see cref="Step(ReadOnlySpan{StepRow}, KvCache, Span{float})"/>. Whoever asks for it disposes it, before the decoder.</summary>
    internal DecoderPass NewPass() => new(this, _rowsPerPass, _design.Width);

    /// <summary>Whether such rows may be computed together.</summary>
    /// <exception cref="ArgumentException">A token, a position or a length is out of range.</exception>
    internal void Check(ReadOnlySpan<StepRow> rows, KvCache cache)
    {
        if ((cache.Layers, cache.Heads, cache.KeyDimension, cache.ValueDimension) != (Shape.Layers, Shape.KvHeads, Shape.KeyDimension, Shape.ValueDimension))
            throw new ArgumentException("the cache was made for another model", nameof(cache));
        for (int i = 0; i < rows.Length; i++)
        {
            StepRow row = rows[i];
            if ((uint)row.Token >= (uint)Shape.VocabularySize)
                throw new ArgumentException($"row {i}: token {row.Token} is not in the vocabulary of {Shape.VocabularySize}", nameof(rows));
            if ((uint)row.Position >= (uint)Shape.ContextLength)
                throw new ArgumentException($"row {i}: position {row.Position} is not within the context of {Shape.ContextLength}", nameof(rows));
            if (row.Position >= row.Sequence.Capacity)
                throw new ArgumentException($"row {i}: the sequence has room for {row.Sequence.Capacity} positions, not for position {row.Position}", nameof(rows));
            if (i > 0 && ReferenceEquals(row.Sequence, rows[i - 1].Sequence) && row.Position != rows[i - 1].Position + 1)
                throw new ArgumentException($"row {i}: position {row.Position} does not follow {rows[i - 1].Position}", nameof(rows));
        }
    }

    /// <summary>Whether the scores that the rows want have room.</summary>
    internal void CheckScores(ReadOnlySpan<StepRow> rows, ReadOnlySpan<float> logits)
    {
        long wanted = 0;
        foreach (ref readonly StepRow row in rows)
            wanted += row.WantsLogits ? Shape.VocabularySize : 0;
        if (wanted > logits.Length)
            throw new ArgumentException($"{wanted} scores are wanted, and there is room for {logits.Length}", nameof(rows));
    }

    /// <summary>Prepares the angles of the rows that go through layers next.</summary>
    internal void SetPositions(ReadOnlySpan<StepRow> rows)
    {
        foreach (Rope rope in _ropes)
        {
            for (int row = 0; row < rows.Length; row++)
                rope.SetPosition(row, rows[row].Position);
        }
    }

    /// <summary>What rows are before the first layer.</summary>
    /// <param name="stream"><c>[rows × width]</c>, written.</param>
    internal void Embed(ReadOnlySpan<StepRow> rows, float* stream)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            var values = new Span<float>(stream + ((long)row * _design.Width), _design.Width);
            _tokens.Read(rows[row].Token, _design.EmbeddingScale, values);
            _positions?.Add(rows[row].Position, values, new Span<float>(_room.Normed.Data, _design.Width));
        }

        _embeddingNorm?.Forward(stream, stream, rows.Length);
    }

    /// <summary>Takes rows through one layer.</summary>
    /// <param name="rows">Of one phase, where that makes a difference, and as many as a pass may have; <see cref="SetPositions"/> was called for them.</param>
    /// <param name="stream"><c>[rows × width]</c>, changed in place.</param>
    internal void Forward(int layer, ReadOnlySpan<StepRow> rows, float* stream, KvCache cache)
    {
        _packs.Phase = rows[0].Phase;
        _blocks[layer].Forward(stream, rows, cache, _room, _crew);
    }

    /// <summary>Writes the scores of the rows that want them, and says how many those are.</summary>
    /// <param name="stream"><c>[rows × width]</c>, as the last layer left it.</param>
    internal int Score(ReadOnlySpan<StepRow> rows, float* stream, Span<float> logits)
    {
        int width = _design.Width, wanted = 0;
        float* gathered = _room.Normed.Data;
        for (int row = 0; row < rows.Length; row++)
        {
            if (rows[row].WantsLogits)
                new ReadOnlySpan<float>(stream + ((long)row * width), width).CopyTo(new Span<float>(gathered + ((long)wanted++ * width), width));
        }

        if (wanted == 0)
            return 0;
        _packs.Phase = Phase.Decode; // few rows are scored, also of a prompt: one at its end
        _finalNorm.Forward(gathered, gathered, wanted);
        fixed (float* scores = logits)
        {
            _head.Forward(gathered, scores, wanted, _crew);
            long count = (long)wanted * Shape.VocabularySize;
            if (_design.LogitScale != 1)
                Elementwise.Scale(scores, _design.LogitScale, count);
            if (_design.LogitCap != 0)
                Activations.SoftCap(_design.LogitCap, scores, count);
        }

        return wanted;
    }

    /// <summary>How many of the rows are computed together: of one phase, where that makes a difference.</summary>
    private int PassLength(ReadOnlySpan<StepRow> rows)
    {
        int most = Math.Min(_rowsPerPass, rows.Length), count = 1;
        while (count < most && (!_packs.DependsOnPhase || rows[count].Phase == rows[0].Phase))
            count++;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DecoderBlock block in _blocks)
            block.Dispose();
        foreach (Rope rope in _ropes)
            rope.Dispose();
        _embeddingNorm?.Dispose();
        _finalNorm.Dispose();
        _head.Dispose();
        _packs.Dispose();
        _room.Dispose();
        if (_ownsCrew)
            _crew.Dispose();
    }

    /// <summary>Where the stream of a pass is written for whoever wants to see it.</summary>
    private readonly ref struct Observation(Span<float> hidden, int rowsOfStep, int firstRow)
    {
        private readonly Span<float> _hidden = hidden;

        public bool IsWanted => !_hidden.IsEmpty;

        public void Write(int state, float* stream, int rows, int width)
        {
            if (IsWanted)
                new ReadOnlySpan<float>(stream, rows * width).CopyTo(_hidden[(((state * rowsOfStep) + firstRow) * width)..]);
        }
    }
}

using System.Runtime.InteropServices;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Norm = Fairlead.Engine.Layers.Norm;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>A text encoder: tokens in, for each token a vector that has seen the whole text.</summary>
/// <remarks>
/// Texts of a batch lie one after the other without padding; only attention knows where one ends. One caller at a time.
/// Where there are texts enough, each thread takes some from the first layer to the last by itself (<see cref="TextGroup"/>): threads that share each product lose about a tenth by waiting for each
/// other after it. Few texts, and all where products need a room of which there is one, are shared product by product. Neither changes a bit.
/// Weights stay where the folder has mapped them, so the folder must outlive the encoder.
/// </remarks>
internal sealed unsafe class Encoder : IDisposable
{
    /// <summary>Rows of activations that are multiplied at a time where nobody says otherwise.</summary>
    public const int RowsPerPass = 512;

    /// <summary>
    /// Rows that go through all layers before the next, where they are no single text: so few that most of what passes between the layers stays in the second-level cache, so many that reading
    /// the weights for each group does not count. With 32 texts of 128 tokens at once all-MiniLM took 1.4 times as long, BERT-base 1.2 times (Emerald Rapids, 2 MiB).
    /// </summary>
    internal const int GroupRows = 256;

    private readonly EncoderDesign _design;
    private readonly PackedWeights _packs;
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly Embedding? _segments;
    private readonly Norm _embeddingNorm;
    private readonly EncoderLayer[] _layers;
    private readonly DistanceBias? _distances;
    private readonly List<TextGroup> _groups = []; // of the batch under way
    private NativeBuffer<float> _activations = new(0);

    private Encoder(EncoderPlan plan, PackedWeights packs)
    {
        (EncoderDesign design, EncoderWeights weights) = (plan.Design, plan.Weights);
        (_design, _packs) = (design, packs);
        _tokens = new Embedding(weights.Tokens);
        _positions = new Embedding(weights.Positions);
        _segments = weights.Segments is { } segments ? new Embedding(segments) : null;
        _embeddingNorm = new Norm(NormKind.Layer, design.Epsilon, weights.EmbeddingNorm, addsOne: false);
        _layers = [.. weights.Layers.Select(layer => new EncoderLayer(design, layer, _packs))];
        _distances = weights.DistanceBias is { } table ? new DistanceBias(table) : null;
    }

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _packs.Report;

    /// <inheritdoc cref="PackedWeights.Keep"/>
    public Task<bool> KeepPack() => _packs.Keep();

    /// <summary>Tokens of the vocabulary: ids are below it.</summary>
    public int VocabularySize => _design.Vocabulary;

    /// <summary>Values of a token.</summary>
    public int Width => _design.Width;

    /// <summary>Kinds of segments that the model tells apart; 0 or 1: it does not look at them.</summary>
    public int Segments => _design.Segments;

    /// <summary>Longest text, in tokens.</summary>
    public int MaxTokens => _design.MaxTokens;

    /// <summary>Numbers that there is room for between the layers: as many as the largest batch so far wanted.</summary>
    internal long RoomValues => _activations.Length;

    /// <summary>Builds the encoder that <paramref name="folder"/> holds.</summary>
    /// <exception cref="ModelFileException">As <see cref="EncoderPlan.Read"/>.</exception>
    public static Encoder Load(ModelFolder folder, int rowsPerPass = RowsPerPass, WorkCrew? crew = null) => Load(EncoderPlan.Read(folder), null, rowsPerPass, crew);

    /// <summary>The same of what was checked already.</summary>
    /// <exception cref="ModelFileException">A file has become shorter than it was, or the disk failed.</exception>
    /// <param name="meter">Gets the weights read into memory first, and hears how far that is; null: each page comes when it is first used.</param>
    /// <param name="rowsPerPass">Rows of activations that are multiplied at a time; more run in several pieces with the same result.</param>
    /// <param name="crew">Who shares the packing; null: the caller alone.</param>
    /// <param name="pack">Where an earlier load may have kept the packed matrices; null: nowhere.</param>
    public static Encoder Load(EncoderPlan plan, LoadMeter? meter = null, int rowsPerPass = RowsPerPass, WorkCrew? crew = null, PackFile? pack = null) =>
        new(plan, PackedWeights.Load(plan.Packing, rowsPerPass, plan.Source, crew, meter, pack));

    /// <summary>The same over zeros in place of packed matrices, for <see cref="EncoderMiniature"/>: it runs the code and says nothing.</summary>
    public static Encoder Blank(EncoderPlan plan, int rowsPerPass, int threads) => new(plan, PackedWeights.Blank(plan.Packing, rowsPerPass, threads));

    /// <summary>Bytes of activations where <paramref name="threads"/> compute at most <paramref name="rows"/> tokens at a time.</summary>
    public static long RoomBytes(EncoderPlan plan, int rows, int threads)
    {
        EncoderDesign design = plan.Design;
        rows = Math.Max(rows, design.MaxTokens); // a longer text is computed alone
        int group = Math.Max(GroupRows, design.MaxTokens);
        long bias = design.DistanceBuckets == 0 ? 0 : (long)group * design.MaxTokens * design.Heads; // texts of full length are the worst
        return (((long)rows * design.Width) + ((plan.Packing.TakesRoom ? 1 : threads) * (EncoderLayer.Room(design, group) + bias))) * sizeof(float);
    }

    /// <summary>Encodes several texts at once.</summary>
    /// <param name="tokens">All texts, one after the other; ids below <see cref="VocabularySize"/>.</param>
    /// <param name="segments">Which segment each token belongs to, below <see cref="Segments"/>; a model that tells none apart does not look at it.</param>
    /// <param name="lengths">Tokens of each text, 1 to <see cref="MaxTokens"/>; their sum is the length of <paramref name="tokens"/>.</param>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    /// <returns><c>[tokens × width]</c>, valid until the next call.</returns>
    /// <exception cref="ArgumentException">An id, a segment or a length is out of range.</exception>
    public float* Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<int> segments, ReadOnlySpan<int> lengths, WorkCrew? crew = null)
    {
        Check(tokens, segments, lengths);
        int apart = TextGroup.Cut(lengths, GroupRows, crew is null || _packs.TakesRoom ? 1 : crew.Threads, _groups), most = 0;
        ReadOnlySpan<TextGroup> groups = CollectionsMarshal.AsSpan(_groups);
        long bias = 0;
        foreach (TextGroup group in groups)
        {
            most = Math.Max(most, group.Rows);
            bias = Math.Max(bias, BiasValues(lengths.Slice(group.Text, group.Texts)));
        }

        long values = (long)tokens.Length * _design.Width, each = EncoderLayer.Room(_design, most) + bias;
        Grow(values + ((apart > 0 ? crew!.Threads : 1) * each));
        float* hidden = _activations.Data, room = hidden + values;
        var batch = new Batch(this, tokens, segments, lengths, hidden);
        if (apart > 0)
        {
            int next = 0;
            crew!.Run(crew.Threads, new Apart(batch, groups[..apart], &next, room, each));
        }

        foreach (TextGroup group in groups[apart..])
            batch.Forward(group, room, crew);
        return hidden;
    }

    /// <summary>Gives activations and decoded weights back; the mapped ones are the folder's.</summary>
    public void Dispose()
    {
        _embeddingNorm.Dispose();
        foreach (EncoderLayer layer in _layers)
            layer.Dispose();
        _packs.Dispose();
        _activations.Dispose();
    }

    private void Grow(long values)
    {
        if (_activations.Length >= values)
            return;
        _activations.Dispose();
        _activations = new NativeBuffer<float>(values, hugePages: true);
    }

    /// <summary>Some texts, through all layers.</summary>
    /// <param name="room"><see cref="EncoderLayer.Room"/> and <see cref="BiasValues"/>, overwritten.</param>
    private void Forward(ReadOnlySpan<int> tokens, ReadOnlySpan<int> segments, ReadOnlySpan<int> lengths, float* hidden, float* room, WorkCrew? crew)
    {
        Embed(tokens, segments, lengths, hidden, new Span<float>(room, _design.Width));
        _embeddingNorm.Forward(hidden, hidden, tokens.Length, crew);
        float* bias = _distances is null ? null : room + EncoderLayer.Room(_design, tokens.Length);
        FillBias(lengths, bias);
        foreach (EncoderLayer layer in _layers)
            layer.Forward(hidden, tokens.Length, lengths, bias, room, crew);
    }

    private void Check(ReadOnlySpan<int> tokens, ReadOnlySpan<int> segments, ReadOnlySpan<int> lengths)
    {
        long sum = 0;
        foreach (int length in lengths)
        {
            if (length < 1 || length > MaxTokens)
                throw new ArgumentException($"a text has {length} tokens; 1 to {MaxTokens} are possible", nameof(lengths));
            sum += length;
        }

        if (sum != tokens.Length || tokens.Length == 0 || segments.Length != tokens.Length)
            throw new ArgumentException($"{tokens.Length} tokens and {segments.Length} segments for texts of {sum}", nameof(tokens));
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)VocabularySize)
                throw new ArgumentException($"there is no token {token}; the vocabulary has {VocabularySize}", nameof(tokens));
        }

        if (Segments > 1 && segments.ContainsAnyExceptInRange(0, _design.Segments - 1))
            throw new ArgumentException($"the model has {_design.Segments} kinds of segments", nameof(segments));
    }

    private void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> segments, ReadOnlySpan<int> lengths, float* hidden, Span<float> room)
    {
        int row = 0;
        foreach (int length in lengths)
        {
            int position = (_design.PaddingToken + 1) ?? 0;
            for (int end = row + length; row < end; row++)
            {
                Span<float> values = new(hidden + ((long)row * _design.Width), _design.Width);
                _tokens.Read(tokens[row], 1, values);
                bool isPadding = tokens[row] == _design.PaddingToken;
                _positions.Add(isPadding ? tokens[row] : position++, values, room);
                _segments?.Add(Segments > 1 ? segments[row] : 0, values, room);
            }
        }
    }

    /// <summary>Numbers that are added to the scores of these texts.</summary>
    private long BiasValues(ReadOnlySpan<int> lengths)
    {
        long values = 0;
        foreach (int length in lengths)
            values += _distances is null ? 0 : (long)length * length * _design.Heads;
        return values;
    }

    private void FillBias(ReadOnlySpan<int> lengths, float* bias)
    {
        foreach (int length in lengths)
        {
            _distances?.Fill(bias, length);
            bias += (long)length * length * _design.Heads;
        }
    }

    /// <summary>What is computed at once.</summary>
    private readonly ref struct Batch(Encoder encoder, ReadOnlySpan<int> tokens, ReadOnlySpan<int> segments, ReadOnlySpan<int> lengths, float* hidden)
    {
        private readonly ReadOnlySpan<int> _tokens = tokens;
        private readonly ReadOnlySpan<int> _segments = segments;
        private readonly ReadOnlySpan<int> _lengths = lengths;

        public void Forward(in TextGroup group, float* room, WorkCrew? crew) => encoder.Forward(
            _tokens.Slice(group.Row, group.Rows),
            _segments.Slice(group.Row, group.Rows),
            _lengths.Slice(group.Text, group.Texts),
            hidden + ((long)group.Row * encoder.Width),
            room,
            crew);
    }

    /// <summary>A part is what a thread takes of the groups: the next one, until none is left.</summary>
    private readonly ref struct Apart(Batch batch, ReadOnlySpan<TextGroup> groups, int* next, float* room, long each) : IWork
    {
        private readonly Batch _batch = batch;
        private readonly ReadOnlySpan<TextGroup> _groups = groups;

        public void Do(int part)
        {
            for (int group = Taken(); group < _groups.Length; group = Taken())
                _batch.Forward(_groups[group], room + (part * each), null);
        }

        private int Taken() => Interlocked.Increment(ref *next) - 1;
    }
}

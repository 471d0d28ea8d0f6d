using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Attention of decoders over the key/value blocks, and of encoders over one text.</summary>
/// <remarks>
/// Up to twelve queries share the reading of a key or value: heads of one row, and rows of one prompt. The softmax is carried along with its running maximum, so that no row of scores is
/// ever stored. The result of a row depends on its own query and positions alone, bit for bit: not on the rows of the step, the threads, or how a prompt was cut.
/// Within (positions / 16 + dimension + 8) · 2^−22 of the exact value over what the cache holds, relative to the largest value seen; <see cref="KvType"/> says what the cache holds.
/// </remarks>
public static unsafe class Attention
{
    /// <summary>Longest query, key or value: tiles of them are kept on the stack.</summary>
    public const int LongestHead = 1024;

    /// <summary>Rows that are shared out at a time.</summary>
    private const int RowsAtOnce = 1024;

    /// <summary>Texts that are shared out at a time.</summary>
    private const int TextsAtOnce = 64;

    /// <summary>Multiply-adds below which another thread would come too late to help.</summary>
    private const long WorthSharing = 1 << 16;

    /// <summary>Parts for each thread below which the pieces of texts are shared out, not only their rows and heads.</summary>
    private const int PartsPerThread = 4;

    /// <summary>Puts the keys and values of one position where the attention of later positions reads them.</summary>
    /// <remarks>Different positions may be written at the same time.</remarks>
    /// <param name="keys"><c>[heads × keyDimension]</c>, with the rotary position already in them.</param>
    /// <param name="values"><c>[heads × valueDimension]</c>.</param>
    public static void Remember(KvCache cache, int layer, KvSequence sequence, int position, float* keys, float* values) =>
        KvNumbers.Write(cache, layer, sequence.Table[position / KvCache.BlockPositions], position % KvCache.BlockPositions, keys, values);

    /// <summary>Each row attends to the positions of its sequence up to its own, which <see cref="Remember"/> has put there.</summary>
    /// <param name="rows">The step; only <see cref="StepRow.Sequence"/> and <see cref="StepRow.Position"/> are read.</param>
    /// <param name="queries"><c>[rows × heads × keyDimension]</c>.</param>
    /// <param name="slopes">ALiBi (Press et al. 2021): <c>[heads]</c>, added to a score once for each position between query and key, with a minus; null: none.</param>
    /// <param name="output"><c>[rows × heads × valueDimension]</c>; must not overlap <paramref name="queries"/>.</param>
    /// <param name="room">Lets several threads read one row's positions; null: a row and head are one thread's.</param>
    public static void Causal(
        ReadOnlySpan<StepRow> rows, float* queries, KvCache cache, int layer, in AttentionShape shape, float* slopes, float* output, WorkCrew? crew = null, AttentionRoom? room = null)
    {
        CheckShape(cache, shape);
        Span<int> tiles = stackalloc int[RowsAtOnce + 1], pieces = stackalloc int[RowsAtOnce + 1];
        for (int first = 0; first < rows.Length; first += RowsAtOnce)
        {
            ReadOnlySpan<StepRow> some = rows.Slice(first, Math.Min(RowsAtOnce, rows.Length - first));
            int count = CausalTiles.Cut(some, shape, tiles);
            tiles[count] = some.Length;
            long row = first;
            var work = new CausalTiles(
                some, tiles[..(count + 1)], queries + (row * shape.Heads * shape.KeyDimension), cache, layer, shape, slopes, output + (row * shape.Heads * shape.ValueDimension));
            Run(work, some, cache, shape, pieces, crew, room);
        }
    }

    /// <summary>The same for rows of prompts by tiles of brain floats, several times as fast and with other bits; where <see cref="KernelFamily.Amx"/> was chosen.</summary>
    /// <remarks>
    /// Of what the cache holds, keys are rounded to 16 significant bits and values to eight, and so are queries and weights: the result is within 3 · 2^−8 + 2 · e of the exact value, relative to the largest
    /// value seen, where e = (3 · 2^−17 + (dimension / 8 + positions / 16 + 20) · 2^−24) · scale · Σ |query · key| for the key where that is largest, and 2^−16 at least.
    /// The result of a row depends on its own query and positions alone, as in <see cref="Causal"/>.
    /// </remarks>
    /// <param name="room">For as many threads as <paramref name="crew"/> has, and such a layer.</param>
    public static void Prompt(
        ReadOnlySpan<StepRow> rows, float* queries, KvCache cache, int layer, in AttentionShape shape, float* slopes, float* output, PromptRoom room, WorkCrew? crew = null)
    {
        CheckShape(cache, shape);
        Span<int> runs = stackalloc int[RowsAtOnce + 1];
        for (int first = 0; first < rows.Length; first += RowsAtOnce)
        {
            ReadOnlySpan<StepRow> some = rows.Slice(first, Math.Min(RowsAtOnce, rows.Length - first));
            bool isShared = crew is { Threads: > 1 } && Products(some, shape) >= WorthSharing;
            int count = PromptTiles.Cut(some, shape, room.Sizes, isShared ? crew!.Threads * PartsPerThread : 1, runs);
            runs[count] = some.Length;
            long row = first;
            var work = new PromptTiles(
                some, runs[..(count + 1)], queries + (row * shape.Heads * shape.KeyDimension), cache, layer, shape, slopes, output + (row * shape.Heads * shape.ValueDimension), room);
            if (isShared)
            {
                crew!.Run(work.Parts, work);
                continue;
            }

            for (int part = 0; part < work.Parts; part++)
                work.Do(part);
        }
    }

    /// <summary>Each token of one text attends to all of them.</summary>
    /// <inheritdoc cref="Dense(float*, float*, float*, ReadOnlySpan{int}, in AttentionShape, float*, float*, WorkCrew?)"/>
    /// <param name="tokens">≥ 1; padding is left out rather than masked.</param>
    public static void Dense(float* queries, float* keys, float* values, int tokens, in AttentionShape shape, float* bias, float* output, WorkCrew? crew = null) =>
        Dense(queries, keys, values, [tokens], shape, bias, output, crew);

    /// <summary>Each token of a text attends to all of that text.</summary>
    /// <param name="queries"><c>[tokens × heads × keyDimension]</c>, of all texts, one after the other.</param>
    /// <param name="keys"><c>[tokens × kvHeads × keyDimension]</c>.</param>
    /// <param name="values"><c>[tokens × kvHeads × valueDimension]</c>.</param>
    /// <param name="lengths">Tokens of each text, ≥ 1; padding is left out rather than masked.</param>
    /// <param name="shape">A <see cref="AttentionShape.Window"/> counts to both sides: token i sees token j where |i − j| &lt; window.</param>
    /// <param name="bias">For each text <c>[heads × tokens × tokens]</c> (query, then key), added to the scores, −∞ hides a key; null: none.</param>
    /// <param name="output"><c>[tokens × heads × valueDimension]</c>; must not overlap the inputs.</param>
    public static void Dense(float* queries, float* keys, float* values, ReadOnlySpan<int> lengths, in AttentionShape shape, float* bias, float* output, WorkCrew? crew = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(shape.Heads % shape.KvHeads, 0);
        CheckLength(shape);
        long products = 0;
        foreach (int tokens in lengths)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens, nameof(lengths));
            products += (long)tokens * tokens * shape.Heads * (shape.KeyDimension + shape.ValueDimension);
        }

        Span<DenseText> texts = stackalloc DenseText[Math.Min(lengths.Length, TextsAtOnce)];
        for (int first = 0; first < lengths.Length; first += TextsAtOnce)
        {
            ReadOnlySpan<int> some = lengths.Slice(first, Math.Min(TextsAtOnce, lengths.Length - first));
            int parts = 0;
            for (int text = 0; text < some.Length; text++)
            {
                int tokens = some[text];
                texts[text] = new DenseText(new DenseTiles(queries, keys, values, tokens, shape, bias, output), parts);
                parts += texts[text].Tiles.Parts;
                queries += (long)tokens * shape.Heads * shape.KeyDimension;
                keys += (long)tokens * shape.KvHeads * shape.KeyDimension;
                values += (long)tokens * shape.KvHeads * shape.ValueDimension;
                output += (long)tokens * shape.Heads * shape.ValueDimension;
                bias = bias is null ? null : bias + ((long)tokens * tokens * shape.Heads);
            }

            var work = new DenseTexts(texts[..some.Length]);
            if (crew is { Threads: > 1 } && products >= WorthSharing)
            {
                crew.Run(parts, work);
                continue;
            }

            for (int part = 0; part < parts; part++)
                work.Do(part);
        }
    }

    private static void Run(CausalTiles work, ReadOnlySpan<StepRow> rows, KvCache cache, in AttentionShape shape, Span<int> pieces, WorkCrew? crew, AttentionRoom? room)
    {
        if (crew is not { Threads: > 1 } || Products(rows, shape) < WorthSharing)
        {
            for (int part = 0; part < work.Parts; part++)
                work.Do(part);
            return;
        }

        if (room is not null && work.Parts < crew.Threads * PartsPerThread)
        {
            var plan = new SplitPlan(work, pieces, QueryTile.Most(shape.KeyDimension, shape.ValueDimension), cache.Layout.ValueWidth, room.Data);
            if (plan.Pieces > work.Tiles && plan.Floats <= room.Length)
            {
                crew.Run(plan.Pieces * work.Bunches, new SplitTiles(work, plan));
                crew.Run(work.Parts, new MergedTiles(work, plan));
                return;
            }
        }

        crew.Run(work.Parts, work);
    }

    /// <summary>Multiply-adds of so many rows.</summary>
    private static long Products(ReadOnlySpan<StepRow> rows, in AttentionShape shape)
    {
        long positions = 0;
        foreach (StepRow row in rows)
            positions += shape.Window > 0 ? Math.Min(row.Position + 1, shape.Window) : row.Position + 1;
        return positions * shape.Heads * (shape.KeyDimension + shape.ValueDimension);
    }

    private static void CheckShape(KvCache cache, in AttentionShape shape)
    {
        if (shape.KvHeads != cache.Heads || shape.KeyDimension != cache.KeyDimension || shape.ValueDimension != cache.ValueDimension || shape.Heads % shape.KvHeads != 0)
            throw new ArgumentException($"the cache has {cache.Heads} heads of {cache.KeyDimension} and {cache.ValueDimension}, the layer is {shape}", nameof(shape));
        CheckLength(shape);
    }

    private static void CheckLength(in AttentionShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shape.KeyDimension, LongestHead);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shape.ValueDimension, LongestHead);
    }
}

using Fairlead.Engine.Embeddings;

namespace Fairlead.Engine.Tests.Embeddings;

/// <summary>Passes of several callers' texts, with an encoder that waits until it is let go on.</summary>
public sealed class EmbeddingLoopTests : IDisposable
{
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _go = new(0);
    private readonly List<int[]> _passes = []; // the lengths of each
    private Exception? _failure;
    private EmbeddingLoop? _loop;

    [Fact]
    public async Task A_caller_with_one_text_waits_no_longer_than_a_pass_for_one_with_many()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 10, slots: 8);
        Task<EmbeddingVector[]> many = Start(loop, [.. Enumerable.Repeat(4, 20)]);
        await _entered.WaitAsync(); // two of them are computed
        Task<EmbeddingVector[]> one = Start(loop, 3);
        _go.Release();
        await _entered.WaitAsync();
        _go.Release();
        Assert.Equal(3, (await one)[0].Tokens);
        Assert.False(many.IsCompleted);
        _go.Release(100);
        Assert.Equal(20, (await many).Length);
        Assert.Equal([4, 4], _passes[0]);
        Assert.Equal([4, 3], _passes[1]);
        Assert.All(_passes, static pass => Assert.InRange(pass.Sum(), 1, 10));
    }

    [Fact]
    public async Task A_text_longer_than_a_pass_is_computed_alone_and_is_not_overtaken_for_ever()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 10, slots: 8);
        Task<EmbeddingVector[]> first = Start(loop, 5);
        await _entered.WaitAsync();
        Task<EmbeddingVector[]> large = Start(loop, 25), small = Start(loop, 1, 1, 1);
        _go.Release(100);
        await Task.WhenAll(first, large, small);
        Assert.Equal([25], _passes[1]);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_told_at_once_and_leaves_the_next_pass_to_others()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 10, slots: 8);
        using var gone = new CancellationTokenSource();
        Assert.True(loop.TryStart(Texts(6, 6, 6), gone.Token, out Task<EmbeddingVector[]>? given));
        await _entered.WaitAsync();
        Task<EmbeddingVector[]> other = Start(loop, 7);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        _go.Release(100);
        await other;
        Assert.Equal([[6], [7]], _passes);
    }

    [Fact]
    public async Task As_many_wait_as_may_and_the_next_is_refused()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 10, slots: 1, queue: 2);
        Task<EmbeddingVector[]> first = Start(loop, 4, 4, 4, 4);
        await _entered.WaitAsync();
        Task<EmbeddingVector[]> second = Start(loop, 5), third = Start(loop, 6);
        Assert.False(loop.TryStart(Texts(1), CancellationToken.None, out _));
        Assert.Equal((1, 2), (loop.Counters.Running, loop.Counters.Waiting));
        _go.Release(100);
        await Task.WhenAll(first, second, third);
        Assert.Equal((6, 27L), (loop.Counters.Texts, loop.Counters.Tokens));
        Assert.Equal(0, loop.Counters.BatchFill);
    }

    [Fact]
    public async Task A_pass_that_fails_ends_those_in_it_with_the_reason_and_nobody_else()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 10, slots: 8);
        _failure = new InsufficientMemoryException("no room");
        Task<EmbeddingVector[]> first = Start(loop, 9);
        await _entered.WaitAsync();
        Task<EmbeddingVector[]> second = Start(loop, 9);
        _go.Release(100);
        Assert.Equal("no room", (await Assert.ThrowsAsync<InsufficientMemoryException>(() => first)).Message);
        Assert.Equal(9, (await second)[0].Tokens);
    }

    [Fact]
    public async Task Whoever_waits_when_the_model_is_unloaded_is_told_so()
    {
        EmbeddingLoop loop = Loop(tokensPerPass: 4, slots: 8);
        Task<EmbeddingVector[]> first = Start(loop, 4, 4);
        await _entered.WaitAsync();
        _go.Release(100);
        loop.Dispose();
        _loop = null;
        if (!first.IsCompletedSuccessfully)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => first);
        Assert.False(loop.TryStart(Texts(1), CancellationToken.None, out _));
    }

    public void Dispose()
    {
        _go.Release(1000);
        _loop?.Dispose();
        _entered.Dispose();
        _go.Dispose();
    }

    private static EncoderText[] Texts(params int[] lengths) => [.. lengths.Select(static length => new EncoderText(new int[length], new int[length], false))];

    private static Task<EmbeddingVector[]> Start(EmbeddingLoop loop, params int[] lengths)
    {
        Assert.True(loop.TryStart(Texts(lengths), CancellationToken.None, out Task<EmbeddingVector[]>? vectors));
        return vectors;
    }

    private EmbeddingLoop Loop(int tokensPerPass, int slots, int queue = 64)
    {
        _loop = new EmbeddingLoop(Compute, tokensPerPass, slots, queue);
        _loop.Start();
        return _loop;
    }

    private void Compute(ReadOnlySpan<EncoderText> texts, Span<EmbeddingVector> vectors)
    {
        _entered.Release();
        _go.Wait();
        if (Interlocked.Exchange(ref _failure, null) is { } failure)
            throw failure;
        var lengths = new int[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            lengths[i] = texts[i].Tokens.Length;
            vectors[i] = new EmbeddingVector([1], lengths[i], false);
        }

        _passes.Add(lengths);
    }
}

using Fairlead.Domain.Fleet.Memory;

namespace Fairlead.Domain.Fleet;

/// <summary>What a model needs in memory, in bytes, as its worker has computed it from the headers of its files before it reads the weights.</summary>
/// <param name="Weights">All tensors in the form in which they are kept.</param>
/// <param name="Cache">Keys and values for every slot's whole context.</param>
/// <param name="Scratch">Activations, scores, vocabulary, and the process itself.</param>
public readonly record struct MemoryNeed(long Weights, long Cache, long Scratch)
{
    /// <summary>All of it.</summary>
    public long Total => checked(Weights + Cache + Scratch);

    /// <summary>All of it, as a worker's word is taken: no part less than nothing, and no sum more than <see cref="Room.Most"/>.</summary>
    internal long Sum() => Part(Weights) + Part(Cache) + Part(Scratch) is var sum && sum < Room.Most ? sum : Room.Most;

    private static long Part(long bytes) => Math.Clamp(bytes, 0, Room.Most);
}

using Fairlead.Domain.Ids;

namespace Fairlead.Storage.Journal;

/// <summary>Where each closed request stands that the store has not taken: about 60 bytes a request, so the journal's own bound on bytes bounds it.</summary>
/// <remarks>The first record of an id counts, as in the store. Not thread-safe: the journal's lock guards it.</remarks>
internal sealed class UnshippedIndex
{
    private readonly Dictionary<RequestId, Place> _places = [];

    internal readonly record struct Place(int Segment, long Offset, int Length);

    public int Count => _places.Count;

    public void Add(RequestId id, Place place) => _places.TryAdd(id, place);

    public bool TryGet(RequestId id, out Place place) => _places.TryGetValue(id, out place);

    public void Remove(RequestId id, JournalPosition before)
    {
        if (_places.TryGetValue(id, out Place place) && new JournalPosition(place.Segment, place.Offset).CompareTo(before) < 0)
            _places.Remove(id);
    }

    /// <summary>Removes all that stand before <paramref name="position"/>: once, when the store says where it is.</summary>
    public void RemoveBefore(JournalPosition position)
    {
        foreach ((RequestId id, Place place) in _places)
        {
            if (new JournalPosition(place.Segment, place.Offset).CompareTo(position) < 0)
                _places.Remove(id);
        }
    }
}

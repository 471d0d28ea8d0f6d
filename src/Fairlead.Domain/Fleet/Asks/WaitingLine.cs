namespace Fairlead.Domain.Fleet.Asks;

/// <summary>A request that waits for a model.</summary>
internal sealed class Waiter(long ask, ModelLife model, string tenant, bool mayLoad, TimeSpan since, TimeSpan deadline)
{
    public long Ask { get; } = ask;

    public ModelLife Model { get; } = model;

    public string Tenant { get; } = tenant;

    /// <summary>It is a reason to load the model.</summary>
    public bool MayLoad { get; } = mayLoad;

    public TimeSpan Since { get; } = since;

    /// <summary>When it is told that it has waited too long.</summary>
    public TimeSpan Deadline { get; } = deadline;

    /// <summary>Where in its tenant's part of the line; null when it does not wait any more.</summary>
    internal LinkedListNode<Waiter>? Place { get; set; }
}

/// <summary>Those who wait for one model. Tenants are served in turn, the requests of one tenant in the order in which they came: whoever sends a thousand
/// at once delays himself, and others by one answer.</summary>
/// <remarks>Adding, taking and removing cost the same however many wait.</remarks>
internal sealed class WaitingLine
{
    private sealed class Tenant
    {
        public readonly LinkedList<Waiter> Waiters = new();
        public required Tenant Next;
        public required Tenant Last;
    }

    private readonly Dictionary<string, Tenant> _tenants = new(StringComparer.Ordinal);

    // The ring of tenants, at the one whose turn it is.
    private Tenant? _turn;

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them are a reason to load.</summary>
    public int MayLoad { get; private set; }

    /// <summary>To the end of its tenant's part; a tenant that is new goes behind all others.</summary>
    public void Add(Waiter waiter)
    {
        if (!_tenants.TryGetValue(waiter.Tenant, out Tenant? tenant))
            _tenants[waiter.Tenant] = tenant = Join();
        waiter.Place = tenant.Waiters.AddLast(waiter);
        Count++;
        MayLoad += waiter.MayLoad ? 1 : 0;
    }

    /// <summary>The next to be served; null when nobody waits.</summary>
    public Waiter? Take()
    {
        if (_turn is not { } tenant)
            return null;
        _turn = tenant.Next;
        Waiter waiter = tenant.Waiters.First!.Value;
        Remove(waiter);
        return waiter;
    }

    /// <summary>One leaves without being served.</summary>
    public void Remove(Waiter waiter)
    {
        Tenant tenant = _tenants[waiter.Tenant];
        tenant.Waiters.Remove(waiter.Place!);
        waiter.Place = null;
        Count--;
        MayLoad -= waiter.MayLoad ? 1 : 0;
        if (tenant.Waiters.Count == 0)
            Leave(waiter.Tenant, tenant);
    }

    /// <summary>Who gives way when the line is full and somebody comes whose tenant has fewer in it than another: the last comer of the tenant that has
    /// most. Null: nobody, the newcomer has his share already.</summary>
    public Waiter? GivesWayTo(string newcomer)
    {
        Tenant? most = null;
        foreach (Tenant tenant in _tenants.Values)
        {
            if (most is null || tenant.Waiters.Count > most.Waiters.Count)
                most = tenant;
        }
        int own = _tenants.TryGetValue(newcomer, out Tenant? his) ? his.Waiters.Count : 0;
        return most is not null && most.Waiters.Count > own + 1 ? most.Waiters.Last!.Value : null;
    }

    /// <summary>How many are served before one who waits.</summary>
    public int Ahead(Waiter waiter)
    {
        int before = 0;
        Tenant own = _tenants[waiter.Tenant];
        for (LinkedListNode<Waiter>? node = waiter.Place!.Previous; node is not null; node = node.Previous)
            before++;
        int ahead = before;
        bool ownTurnWasHad = false;
        Tenant tenant = _turn!;
        do
        {
            if (tenant == own)
                ownTurnWasHad = true;
            else // those before him in the ring have one turn more than he has had
                ahead += Math.Min(tenant.Waiters.Count, ownTurnWasHad ? before : before + 1);
            tenant = tenant.Next;
        }
        while (tenant != _turn);
        return ahead;
    }

    private Tenant Join()
    {
        var tenant = new Tenant { Next = null!, Last = null! };
        if (_turn is null)
        {
            tenant.Next = tenant.Last = tenant;
            _turn = tenant;
        }
        else
        {
            tenant.Next = _turn;
            tenant.Last = _turn.Last;
            tenant.Last.Next = tenant.Next.Last = tenant;
        }
        return tenant;
    }

    private void Leave(string name, Tenant tenant)
    {
        _tenants.Remove(name);
        tenant.Last.Next = tenant.Next;
        tenant.Next.Last = tenant.Last;
        if (_turn == tenant)
            _turn = tenant.Next == tenant ? null : tenant.Next;
    }
}

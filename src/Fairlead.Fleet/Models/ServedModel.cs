using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Models;

/// <summary>One configured model as the loop keeps it. Another configuration of the same name is another object, which takes over what is still true.</summary>
internal sealed class ServedModel
{
    private static long s_editions;
    private volatile ModelStatus _status;

    private ServedModel(ServedSpec served, SourceStamp stamp, ModelTerms terms, LogRing lines, ModelNotes notes, ModelStatus status)
    {
        Served = served;
        Stamp = stamp;
        Terms = terms;
        Lines = lines;
        Notes = notes;
        _status = status;
    }

    /// <summary>What was configured.</summary>
    public ServedSpec Served { get; }

    /// <summary>The files as they were when it was, or when a worker was last started.</summary>
    public SourceStamp Stamp { get; }

    /// <summary>The terms that the plan has: what was configured, with the size of the files and the word for what no figure shows.</summary>
    public ModelTerms Terms { get; }

    public string Name => Terms.Model;

    public WorkerSpec Spec => Served.Spec;

    /// <summary>What its workers wrote, over all starts.</summary>
    public LogRing Lines { get; }

    /// <summary>What its workers said of themselves.</summary>
    public ModelNotes Notes { get; }

    /// <summary>Where it stands. Written by the loop, read by anyone.</summary>
    public ModelStatus Status { get => _status; set => _status = value; }

    /// <param name="served">What is configured.</param>
    /// <param name="stamp">Its files.</param>
    /// <param name="former">The model of this name until now; null where there was none.</param>
    /// <param name="time">For the times of its log.</param>
    public static ServedModel Of(ServedSpec served, SourceStamp stamp, ServedModel? former, TimeProvider time)
    {
        bool same = former is not null && former.Stamp == stamp && former.Spec == served.Spec && former.Served.Terms.Edition == served.Terms.Edition;
        ModelTerms terms = served.Terms with
        {
            FileBytes = served.Terms.FileBytes > 0 ? served.Terms.FileBytes : stamp.Bytes,
            Edition = same ? former!.Terms.Edition : Interlocked.Increment(ref s_editions).ToString(),
        };
        return new ServedModel(
            served, stamp, terms,
            former?.Lines ?? new LogRing(time),
            same ? former!.Notes : new ModelNotes(),
            former?.Status ?? new ModelStatus(terms.Model, ModelState.Cold) { FileBytes = terms.FileBytes, Memory = terms.Memory, Slots = terms.Slots });
    }
}

/// <summary>What the workers of one edition of a model said of themselves. Written by whoever follows them, read by anyone.</summary>
internal sealed class ModelNotes
{
    private volatile WorkerFacts? _facts;
    private volatile WorkerHealth? _health;
    private volatile WorkerProcess? _worker;
    private WorkerFacts? _announced;

    /// <summary>Null until its first worker has looked at its files.</summary>
    public WorkerFacts? Facts { get => _facts; set => _facts = value; }

    /// <summary>The last answer of its present worker; null while none has come.</summary>
    public WorkerHealth? Health { get => _health; set => _health = value; }

    /// <summary>Its present process; null while there is none.</summary>
    public WorkerProcess? Worker { get => _worker; set => _worker = value; }

    /// <summary>The loop's: whether these facts are news.</summary>
    public bool Announce(WorkerFacts facts)
    {
        bool news = facts != _announced;
        _announced = facts;
        return news;
    }
}

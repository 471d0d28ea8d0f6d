using Fairlead.Domain.Ledger;
using Fairlead.Domain.Routing;

namespace Fairlead.Storage.Journal;

/// <summary>The three lists of a closed request: candidates, excluded offers, attempts.</summary>
internal static class RecordLists
{
    public static void Write(PayloadWriter to, RequestClosed record)
    {
        int count = Count(to, record.Candidates.Count);
        for (int i = 0; i < count; i++)
            to.Text(record.Candidates[i]);

        count = Count(to, record.Excluded.Count);
        for (int i = 0; i < count; i++)
        {
            to.Text(record.Excluded[i].Offer);
            to.Byte((byte)record.Excluded[i].Reason);
        }

        count = Count(to, record.Attempts.Count);
        for (int i = 0; i < count; i++)
        {
            Attempt attempt = record.Attempts[i];
            to.Text(attempt.Offer);
            to.Real(attempt.StartMs);
            to.Optional(attempt.PlaceMs);
            to.Byte(attempt.WasCold ? (byte)1 : (byte)0);
            to.Optional(attempt.ConnectedMs);
            to.Optional(attempt.HeadersMs);
            to.Optional(attempt.FirstTokenMs);
            to.Real(attempt.EndMs);
            to.Byte((byte)(attempt.Fault ?? 0));
            to.Optional((long?)attempt.UpstreamStatus);
            to.Text(attempt.Detail);
            to.Text(attempt.UpstreamRequestId);
        }
    }

    public static IReadOnlyList<string> ReadCandidates(ref PayloadReader from)
    {
        var list = new string[from.Count()];
        for (int i = 0; i < list.Length; i++)
            list[i] = from.Text();
        return list;
    }

    public static IReadOnlyList<ExcludedOffer> ReadExcluded(ref PayloadReader from)
    {
        var list = new ExcludedOffer[from.Count()];
        for (int i = 0; i < list.Length; i++)
            list[i] = new ExcludedOffer(from.Text(), from.Word<ExclusionReason>());
        return list;
    }

    public static IReadOnlyList<Attempt> ReadAttempts(ref PayloadReader from, byte version)
    {
        bool timed = version >= RecordCodec.FirstWithComputeTime;
        var list = new Attempt[from.Count()];
        for (int i = 0; i < list.Length; i++)
        {
            list[i] = new Attempt
            {
                Offer = from.Text(),
                StartMs = from.Real(),
                PlaceMs = timed ? from.OptionalReal() : null,
                WasCold = timed && from.Flag(),
                ConnectedMs = from.OptionalReal(),
                HeadersMs = from.OptionalReal(),
                FirstTokenMs = from.OptionalReal(),
                EndMs = from.Real(),
                Fault = ReadFault(ref from),
                UpstreamStatus = checked((int?)from.OptionalSigned()),
                Detail = from.OptionalText(),
                UpstreamRequestId = from.OptionalText(),
            };
        }
        return list;
    }

    private static FaultKind? ReadFault(ref PayloadReader from)
    {
        byte number = from.Byte();
        if (number == 0)
            return null;
        return Enum.IsDefined((FaultKind)number) ? (FaultKind)number : throw new JournalFormatException($"{number} is no fault");
    }

    private static int Count(PayloadWriter to, int count)
    {
        count = Math.Min(count, RecordLimits.ListCount);
        to.Unsigned((ulong)count);
        return count;
    }
}

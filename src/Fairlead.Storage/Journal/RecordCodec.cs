using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;

namespace Fairlead.Storage.Journal;

/// <summary>Records to payload bytes and back. A payload begins with the version (1), the kind and the request id; times are whole milliseconds.</summary>
internal static class RecordCodec
{
    public const byte Version = 1;

    /// <summary>Appends one framed record.</summary>
    public static void Write(PayloadWriter to, RequestReserved record)
    {
        int start = Begin(to, RecordKind.Reserved, record.Id);
        to.Id(record.Key.Value);
        to.Signed(record.At.ToUnixTimeMilliseconds());
        to.Byte((byte)record.Route);
        to.Text(record.Model);
        to.Signed(record.Amount.Value);
        WriteMark(to, record.Idempotency);
        RecordFrame.Seal(to.From(start));
    }

    /// <summary>Appends one framed record.</summary>
    public static void Write(PayloadWriter to, RequestClosed record)
    {
        int start = Begin(to, RecordKind.Closed, record.Id);
        to.Id(record.Key.Value);
        to.Signed(record.StartedAt.ToUnixTimeMilliseconds());
        to.Signed(record.ClosedAt.ToUnixTimeMilliseconds());
        to.Byte((byte)record.Route);
        to.Text(record.AskedModel);
        to.Byte(record.Stream ? (byte)1 : (byte)0);
        to.Signed(record.Status);
        to.Byte((byte)record.EndReason);
        to.Text(record.ProblemCode);
        to.Signed(record.Reserved.Value);
        to.Signed(record.Charged.Value);
        to.Signed(record.WrittenOff.Value);
        to.Signed(record.Waste.Value);
        to.Signed(record.Usage.InputTokens);
        to.Signed(record.Usage.OutputTokens);
        to.Signed(record.Usage.CachedInputTokens);
        to.Signed(record.Usage.CacheWriteTokens);
        to.Signed(record.Usage.ReasoningTokens);
        to.Byte((byte)record.UsageSource);
        to.Text(record.Provider);
        to.Text(record.Model);
        to.Text(record.ProviderModelId);
        WritePrice(to, record.Price);
        to.Text(record.Policy);
        to.Signed(record.CatalogueVersion);
        to.Unsigned(record.Seed);
        RecordLists.Write(to, record);
        to.Text(record.ClientReference);
        WriteMark(to, record.Idempotency);
        RecordFrame.Seal(to.From(start));
    }

    /// <summary>Kind and request id without reading the rest.</summary>
    public static (RecordKind Kind, RequestId Id) Peek(ReadOnlySpan<byte> payload)
    {
        var from = new PayloadReader(payload);
        return Head(ref from);
    }

    /// <exception cref="JournalFormatException">Not such a payload of this version.</exception>
    public static RequestReserved ReadReserved(ReadOnlySpan<byte> payload)
    {
        var from = new PayloadReader(payload);
        RequestReserved record = ReadReserved(ref from, Head(ref from, RecordKind.Reserved));
        from.End();
        return record;
    }

    /// <exception cref="JournalFormatException">Not such a payload of this version.</exception>
    public static RequestClosed ReadClosed(ReadOnlySpan<byte> payload)
    {
        var from = new PayloadReader(payload);
        RequestClosed record = ReadClosed(ref from, Head(ref from, RecordKind.Closed));
        from.End();
        return record;
    }

    private static int Begin(PayloadWriter to, RecordKind kind, RequestId id)
    {
        int start = to.Length;
        to.Skip(RecordFrame.HeaderBytes);
        to.Byte(Version);
        to.Byte((byte)kind);
        to.Id(id.Value);
        return start;
    }

    private static (RecordKind Kind, RequestId Id) Head(ref PayloadReader from)
    {
        byte version = from.Byte();
        if (version != Version)
            throw new JournalFormatException($"record version {version}; this program reads {Version}");
        return (from.Word<RecordKind>(), new RequestId(from.Id()));
    }

    private static RequestId Head(ref PayloadReader from, RecordKind wanted)
    {
        (RecordKind kind, RequestId id) = Head(ref from);
        return kind == wanted ? id : throw new JournalFormatException($"a record of kind {kind} where {wanted} should be");
    }

    private static RequestReserved ReadReserved(ref PayloadReader from, RequestId id) => new(
        id, new KeyId(from.Id()), from.Time(), from.Word<Route>(), from.Text(), new NanoDollars(from.Signed()), ReadMark(ref from));

    private static RequestClosed ReadClosed(ref PayloadReader from, RequestId id) => new()
    {
        // Initialisers run in the order of the text, which is the order of the bytes.
        Id = id,
        Key = new KeyId(from.Id()),
        StartedAt = from.Time(),
        ClosedAt = from.Time(),
        Route = from.Word<Route>(),
        AskedModel = from.Text(),
        Stream = from.Flag(),
        Status = checked((int)from.Signed()),
        EndReason = from.Word<EndReason>(),
        ProblemCode = from.OptionalText(),
        Reserved = new NanoDollars(from.Signed()),
        Charged = new NanoDollars(from.Signed()),
        WrittenOff = new NanoDollars(from.Signed()),
        Waste = new NanoDollars(from.Signed()),
        Usage = new Usage(from.Signed(), from.Signed(), from.Signed(), from.Signed(), from.Signed()),
        UsageSource = from.Word<UsageSource>(),
        Provider = from.OptionalText(),
        Model = from.OptionalText(),
        ProviderModelId = from.OptionalText(),
        Price = ReadPrice(ref from),
        Policy = from.Text(),
        CatalogueVersion = from.Signed(),
        Seed = from.Unsigned(),
        Candidates = RecordLists.ReadCandidates(ref from),
        Excluded = RecordLists.ReadExcluded(ref from),
        Attempts = RecordLists.ReadAttempts(ref from),
        ClientReference = from.OptionalText(),
        Idempotency = ReadMark(ref from),
    };

    private static void WriteMark(PayloadWriter to, IdempotencyMark? mark)
    {
        to.Byte(mark.HasValue ? (byte)1 : (byte)0);
        if (mark is not { } present)
            return;
        to.Hash(present.KeyHash);
        to.Hash(present.BodyHash);
    }

    private static IdempotencyMark? ReadMark(ref PayloadReader from) =>
        from.Flag() ? new IdempotencyMark(from.Hash(), from.Hash()) : null;

    private static void WritePrice(PayloadWriter to, OfferPrice? price)
    {
        to.Byte(price is null ? (byte)0 : (byte)1);
        if (price is null)
            return;
        to.Signed(price.Input.PerMillion.Value);
        to.Signed(price.Output.PerMillion.Value);
        to.Optional(price.CachedInput?.PerMillion.Value);
        to.Optional(price.CacheWrite?.PerMillion.Value);
    }

    private static OfferPrice? ReadPrice(ref PayloadReader from) => from.Flag()
        ? new OfferPrice(Price(from.Signed())!.Value, Price(from.Signed())!.Value, Price(from.OptionalSigned()), Price(from.OptionalSigned()))
        : null;

    private static TokenPrice? Price(long? perMillion) => perMillion is { } value ? new TokenPrice(new NanoDollars(value)) : null;
}

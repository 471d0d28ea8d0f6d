using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;

namespace Fairlead.Storage.Journal;

/// <summary>Records to payload bytes and back. A payload begins with its version, the kind and the request id; times are whole milliseconds.</summary>
/// <remarks>Version 2 added to closed requests the hourly price, the compute time (in ticks of 100 ns) and when each attempt had its place in a
/// model of our own; version 3 the tokens that a cache keeps for an hour, their price, and the retired model whose successor served. Earlier versions are
/// read as they always were: what they do not hold, their requests did not have.</remarks>
internal static class RecordCodec
{
    /// <summary>What is written.</summary>
    public const byte Version = 3;

    private const byte FirstWithHourInCache = 3;
    private const byte FirstWithSubstitutes = 3;

    /// <summary>The first version whose records hold computing time, and what each attempt waited for.</summary>
    public const byte FirstWithComputeTime = 2;

    /// <summary>True for a version that can be read.</summary>
    public static bool Reads(byte version) => version is >= 1 and <= Version;

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
        to.Signed(record.Usage.CacheWriteHourTokens);
        to.Signed(record.Usage.ReasoningTokens);
        to.Signed(record.Usage.ComputeTime.Ticks);
        to.Byte((byte)record.UsageSource);
        to.Text(record.Provider);
        to.Text(record.Model);
        to.Text(record.ProviderModelId);
        WritePrice(to, record.Price);
        WriteRetirement(to, record.SubstituteFor);
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
        (_, RecordKind kind, RequestId id) = Head(ref from);
        return (kind, id);
    }

    /// <exception cref="JournalFormatException">Not such a payload of a version that is read.</exception>
    public static RequestReserved ReadReserved(ReadOnlySpan<byte> payload)
    {
        var from = new PayloadReader(payload);
        (_, RequestId id) = Head(ref from, RecordKind.Reserved);
        RequestReserved record = ReadReserved(ref from, id);
        from.End();
        return record;
    }

    /// <exception cref="JournalFormatException">Not such a payload of a version that is read.</exception>
    public static RequestClosed ReadClosed(ReadOnlySpan<byte> payload)
    {
        var from = new PayloadReader(payload);
        (byte version, RequestId id) = Head(ref from, RecordKind.Closed);
        RequestClosed record = ReadClosed(ref from, id, version);
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

    private static (byte Version, RecordKind Kind, RequestId Id) Head(ref PayloadReader from)
    {
        byte version = from.Byte();
        if (!Reads(version))
            throw new JournalFormatException($"record version {version}; this program reads 1 to {Version}");
        return (version, from.Word<RecordKind>(), new RequestId(from.Id()));
    }

    private static (byte Version, RequestId Id) Head(ref PayloadReader from, RecordKind wanted)
    {
        (byte version, RecordKind kind, RequestId id) = Head(ref from);
        return kind == wanted ? (version, id) : throw new JournalFormatException($"a record of kind {kind} where {wanted} should be");
    }

    private static RequestReserved ReadReserved(ref PayloadReader from, RequestId id) => new(
        id, new KeyId(from.Id()), from.Time(), from.Word<Route>(), from.Text(), new NanoDollars(from.Signed()), ReadMark(ref from));

    private static RequestClosed ReadClosed(ref PayloadReader from, RequestId id, byte version) => new()
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
        Usage = ReadUsage(ref from, version),
        UsageSource = from.Word<UsageSource>(),
        Provider = from.OptionalText(),
        Model = from.OptionalText(),
        ProviderModelId = from.OptionalText(),
        Price = ReadPrice(ref from, version),
        SubstituteFor = version >= FirstWithSubstitutes ? ReadRetirement(ref from) : null,
        Policy = from.Text(),
        CatalogueVersion = from.Signed(),
        Seed = from.Unsigned(),
        Candidates = RecordLists.ReadCandidates(ref from),
        Excluded = RecordLists.ReadExcluded(ref from),
        Attempts = RecordLists.ReadAttempts(ref from, version),
        ClientReference = from.OptionalText(),
        Idempotency = ReadMark(ref from),
    };

    private static Usage ReadUsage(ref PayloadReader from, byte version)
    {
        long input = from.Signed();
        long output = from.Signed();
        long cached = from.Signed();
        long written = from.Signed();
        long hour = version >= FirstWithHourInCache ? from.Signed() : 0;
        return new Usage(input, output, cached, written, ReasoningTokens: from.Signed(), hour)
        {
            ComputeTime = version >= FirstWithComputeTime ? new TimeSpan(from.Signed()) : TimeSpan.Zero,
        };
    }

    private static void WriteRetirement(PayloadWriter to, Retirement? retirement)
    {
        to.Byte(retirement is null ? (byte)0 : (byte)1);
        if (retirement is null)
            return;
        to.Text(retirement.Model);
        to.Optional((long?)retirement.Since?.DayNumber);
        to.Text(retirement.Successor);
    }

    private static Retirement? ReadRetirement(ref PayloadReader from) => from.Flag()
        ? new Retirement(from.Text(), ReadDay(ref from), from.OptionalText())
        : null;

    private static DateOnly? ReadDay(ref PayloadReader from)
    {
        if (from.OptionalSigned() is not { } number)
            return null;
        return number >= 0 && number <= DateOnly.MaxValue.DayNumber
            ? DateOnly.FromDayNumber((int)number)
            : throw new JournalFormatException($"{number} is no day");
    }

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
        to.Optional(price.CacheWriteHour?.PerMillion.Value);
        to.Optional(price.Hourly?.PerHour.Value);
    }

    private static OfferPrice? ReadPrice(ref PayloadReader from, byte version) => from.Flag()
        ? new OfferPrice(
            Price(from.Signed())!.Value, Price(from.Signed())!.Value, Price(from.OptionalSigned()), Price(from.OptionalSigned()),
            version >= FirstWithHourInCache ? Price(from.OptionalSigned()) : null,
            version >= FirstWithComputeTime && from.OptionalSigned() is { } perHour ? new HourlyPrice(new NanoDollars(perHour)) : null)
        : null;

    private static TokenPrice? Price(long? perMillion) => perMillion is { } value ? new TokenPrice(new NanoDollars(value)) : null;
}

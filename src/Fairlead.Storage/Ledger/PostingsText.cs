using System.Buffers;
using System.Text.Json;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Ledger;

/// <summary>The postings of an entry as the store keeps them: <c>[["settle","platform:revenue",6400],…]</c>.</summary>
internal sealed class PostingsText : IDisposable
{
    private static readonly JsonEncodedText[] Kinds =
        [default, .. Enum.GetValues<PostingKind>().Select(static kind => JsonEncodedText.Encode(kind.Word()))];

    private readonly Dictionary<AccountName, JsonEncodedText> _accounts = [];
    private readonly ArrayBufferWriter<byte> _bytes = new(1024);
    private readonly Utf8JsonWriter _json;

    public PostingsText() => _json = new Utf8JsonWriter(_bytes, new JsonWriterOptions { SkipValidation = true });

    /// <summary>UTF-8, valid until the next call.</summary>
    public ReadOnlySpan<byte> Of(Entry entry)
    {
        _bytes.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartArray();
        foreach (Posting posting in entry.Postings)
        {
            _json.WriteStartArray();
            _json.WriteStringValue(Kinds[(int)posting.Kind]);
            if (!_accounts.TryGetValue(posting.Account, out JsonEncodedText account))
                _accounts[posting.Account] = account = JsonEncodedText.Encode(posting.Account.Value);
            _json.WriteStringValue(account);
            _json.WriteNumberValue(posting.Amount.Value);
            _json.WriteEndArray();
        }
        _json.WriteEndArray();
        _json.Flush();
        return _bytes.WrittenSpan;
    }

    public void Dispose() => _json.Dispose();
}

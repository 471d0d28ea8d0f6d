using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>One tensor of a safetensors header: what is stored and where, before anybody asked whether it can be used as a weight.</summary>
/// <param name="Type">The name of the header: <c>F32</c>, <c>BF16</c>, <c>I64</c>.</param>
/// <param name="Shape">Outermost dimension first; empty for a scalar.</param>
/// <param name="Offset">First byte, from the beginning of the file.</param>
/// <param name="Bytes">Its length.</param>
public sealed record SafeTensor(string Type, ImmutableArray<long> Shape, long Offset, long Bytes);

/// <summary>One <c>*.safetensors</c> file, mapped. Format: https://github.com/huggingface/safetensors (8 bytes of length, a JSON header, the data).</summary>
/// <remarks>
/// Nothing of the header is believed: its length is at most <see cref="MaxHeaderBytes"/>, it begins with <c>{</c>, is strict UTF-8 JSON
/// without a key twice, every size is computed in 128 bits, and the tensors cover the rest of the file without hole or overlap. Reading it
/// allocates in proportion to the header and never touches the data.
/// </remarks>
public sealed unsafe class SafeTensorsFile : IDisposable
{
    /// <summary>Longest header read, 25 MiB; the library of the format stops at 100 MB, the longest seen on the Hub has 4 MB.</summary>
    public const int MaxHeaderBytes = 25 << 20;

    /// <summary>Most dimensions of a tensor.</summary>
    public const int MaxDimensions = 8;

    /// <summary>Every dtype of the format; <see cref="TryGet"/> says which are weights.</summary>
    private static readonly string[] s_types =
        ["F32", "F16", "BF16", "I64", "I32", "U8", "I8", "BOOL", "F64", "I16", "U16", "U32", "U64", "C64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"];

    private readonly MappedFile _file;
    private readonly Dictionary<string, SafeTensor> _tensors;

    private SafeTensorsFile(MappedFile file, Dictionary<string, SafeTensor> tensors, ImmutableDictionary<string, string> metadata)
    {
        _file = file;
        _tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The name that error messages use.</summary>
    public string Name => _file.Name;

    /// <summary>The file as it was when it was opened.</summary>
    public FileStamp Stamp => _file.Stamp;

    /// <summary>Every tensor of the file by name, also of types that are no weights.</summary>
    public IReadOnlyDictionary<string, SafeTensor> Tensors => _tensors;

    /// <summary>What stands under <c>__metadata__</c>, mostly <c>format: pt</c>.</summary>
    public ImmutableDictionary<string, string> Metadata { get; }

    /// <summary>Maps the file and checks its header whole.</summary>
    /// <exception cref="ModelFileException">It is not safetensors, or breaks a rule above.</exception>
    public static SafeTensorsFile Open(string path, string? name = null)
    {
        MappedFile file = MappedFile.Open(path, name);
        try
        {
            return Read(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name as weights, or false where the file has none.</summary>
    /// <exception cref="ModelFileException">It is there, but of a type that is not read as weights, or too large for one tensor.</exception>
    public bool TryGet(string name, out TensorView tensor)
    {
        if (!_tensors.TryGetValue(name, out SafeTensor? found))
        {
            tensor = default;
            return false;
        }

        ElementType type = found.Type switch
        {
            "F32" => ElementType.F32,
            "F16" => ElementType.F16,
            "BF16" => ElementType.BF16,
            _ => throw new ModelFileException(Name, found.Offset, $"tensor {Excerpt.Of(name)} is stored as {found.Type}; weights are read as F32, F16 or BF16. Convert it, or take a GGUF file of this model"),
        };
        TensorLimits.Check(Name, found.Offset, name, found.Shape);
        tensor = new TensorView(type, found.Shape, _file.Pointer + found.Offset);
        return true;
    }

    /// <summary>Unmaps the file; every view into it is dead from here on.</summary>
    public void Dispose() => _file.Dispose();

    private static SafeTensorsFile Read(MappedFile file)
    {
        ReadOnlySpan<byte> head = file.Slice(0, (int)Math.Min(file.Length, 32));
        if (head.Length < 10)
            throw new ModelFileException(file.Name, 0, "too short to be safetensors: the smallest has 10 bytes");
        ulong length = BitConverter.ToUInt64(head);
        if (length > MaxHeaderBytes || head[8] != (byte)'{')
        {
            string why = length > MaxHeaderBytes ? $"a header of {length} bytes is announced, at most {MaxHeaderBytes} are read" : "the header does not begin with {";
            string? guess = FileKind.Guess(head);
            throw new ModelFileException(file.Name, 0, guess is null ? $"not safetensors: {why}" : $"not safetensors: {guess}");
        }

        if ((long)length > file.Length - 8)
            throw new ModelFileException(file.Name, 0, $"a header of {length} bytes is announced, but the file ends at byte {file.Length}: the download is incomplete");
        ReadOnlySpan<byte> header = file.Slice(8, (int)length);
        if (!Utf8.IsValid(header))
            throw new ModelFileException(file.Name, 8, "the header is not valid UTF-8");

        HeaderReader reader = new(file.Name, header, dataStart: 8 + (long)length, file.Length);
        reader.ReadAll();
        reader.CheckCoverage();
        return new SafeTensorsFile(file, reader.Tensors, reader.Metadata);
    }

    private ref struct HeaderReader(string file, ReadOnlySpan<byte> header, long dataStart, long fileLength)
    {
        private readonly ReadOnlySpan<byte> _header = header;
        private Utf8JsonReader _json = new(header, new JsonReaderOptions { MaxDepth = 4 });

        public Dictionary<string, SafeTensor> Tensors { get; } = new(StringComparer.Ordinal);

        public ImmutableDictionary<string, string> Metadata { get; private set; } = ImmutableDictionary<string, string>.Empty;

        public void ReadAll()
        {
            try
            {
                bool metadataSeen = false;
                Expect(JsonTokenType.StartObject, "the header", "");
                while (NextName(out string? name))
                {
                    if (name == "__metadata__")
                    {
                        if (metadataSeen)
                            throw Refuse("__metadata__ stands twice in the header");
                        metadataSeen = true;
                        ReadMetadata();
                        continue;
                    }

                    long at = _json.TokenStartIndex;
                    if (!Tensors.TryAdd(name, ReadTensor(name)))
                        throw new ModelFileException(file, 8 + at, $"tensor {Excerpt.Of(name)} stands twice in the header");
                }

                _ = _json.Read(); // spaces may follow; anything else is refused by the reader
            }
            catch (JsonException e)
            {
                throw StrictJson.Refusal(file, _header, 8, e);
            }
            catch (InvalidOperationException e)
            {
                throw new ModelFileException(file, 8 + _json.TokenStartIndex, "half a surrogate pair in a name", e);
            }
        }

        /// <summary>No hole, no overlap, nothing after the last tensor: then no byte of the file is unaccounted for (a second file hidden in it) or read twice.</summary>
        public readonly void CheckCoverage()
        {
            KeyValuePair<string, SafeTensor>[] order = [.. Tensors];
            Array.Sort(order, static (a, b) => a.Value.Offset != b.Value.Offset ? a.Value.Offset.CompareTo(b.Value.Offset) : a.Value.Bytes.CompareTo(b.Value.Bytes));
            long end = dataStart;
            foreach ((string name, SafeTensor tensor) in order)
            {
                if (tensor.Offset != end)
                    throw new ModelFileException(file, tensor.Offset, $"tensor {Excerpt.Of(name)} begins {(tensor.Offset < end ? "inside another" : "after a hole")}: byte {end} was expected");
                end += tensor.Bytes;
            }

            if (end != fileLength)
                throw new ModelFileException(file, end, $"the tensors end here, but the file has {fileLength} bytes");
        }

        private SafeTensor ReadTensor(string name)
        {
            string? type = null;
            ImmutableArray<long>? shape = null;
            (long Begin, long End)? offsets = null;
            Expect(JsonTokenType.StartObject, "tensor", name);
            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            {
                // compared in place: three texts for each tensor would be most of what a header costs
                if (_json.ValueTextEquals("dtype"u8) && type is null)
                    type = ReadType(name);
                else if (_json.ValueTextEquals("shape"u8) && shape is null)
                    shape = ReadNumbers(name, "shape", MaxDimensions);
                else if (_json.ValueTextEquals("data_offsets"u8) && offsets is null)
                    offsets = ReadNumbers(name, "data_offsets", 2) is [var first, var behind] ? (first, behind) : throw Refuse($"data_offsets of {Excerpt.Of(name)} need two numbers");
                else
                    throw Refuse($"{Excerpt.Of(_json.GetString()!)} of {Excerpt.Of(name)} is unknown or stands twice");
            }

            if (type is null || shape is null || offsets is null)
                throw Refuse($"tensor {Excerpt.Of(name)} lacks dtype, shape or data_offsets");
            (long begin, long end) = offsets.Value;
            if (begin > end || end > fileLength - dataStart)
                throw Refuse($"data_offsets [{begin}, {end}] of {Excerpt.Of(name)} lie outside the data, which has {fileLength - dataStart} bytes");
            UInt128 bits = BitsOf(type);
            foreach (long dimension in shape.Value)
            {
                // a partial product of 64 bits times a dimension of 63 cannot overflow 128
                bits = bits > ulong.MaxValue && dimension != 0 ? throw Refuse($"the shape of {Excerpt.Of(name)} is too large") : bits * (UInt128)dimension;
            }

            if (bits % 8 != 0 || bits / 8 != (UInt128)(end - begin))
                throw Refuse($"tensor {Excerpt.Of(name)} takes {end - begin} bytes, but {type} [{string.Join(" × ", shape.Value)}] needs {bits / 8}");
            return new SafeTensor(type, shape.Value, dataStart + begin, end - begin);
        }

        private string ReadType(string name)
        {
            Expect(JsonTokenType.String, "dtype of", name);
            foreach (string type in s_types)
            {
                if (_json.ValueTextEquals(type))
                    return type;
            }

            throw Refuse($"tensor {Excerpt.Of(name)} has the unknown dtype {Excerpt.Of(_json.GetString()!)}");
        }

        private void ReadMetadata()
        {
            Expect(JsonTokenType.StartObject, "__metadata__", "");
            var builder = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
            while (NextName(out string? key))
            {
                Expect(JsonTokenType.String, "in __metadata__", key);
                if (!builder.TryAdd(key, _json.GetString()!))
                    throw Refuse($"{Excerpt.Of(key)} stands twice in __metadata__");
            }

            Metadata = builder.ToImmutable();
        }

        private ImmutableArray<long> ReadNumbers(string name, string key, int most)
        {
            Expect(JsonTokenType.StartArray, key, name);
            Span<long> numbers = stackalloc long[MaxDimensions];
            int count = 0;
            while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
            {
                if (count == most)
                    throw Refuse($"{key} of {Excerpt.Of(name)} has more than {most} numbers");
                if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long number) || number < 0)
                    throw Refuse($"{key} of {Excerpt.Of(name)} must hold whole numbers ≥ 0");
                numbers[count++] = number;
            }

            return [.. numbers[..count]];
        }

        private bool NextName([NotNullWhen(true)] out string? name)
        {
            _ = _json.Read();
            name = _json.TokenType == JsonTokenType.PropertyName ? _json.GetString() : null;
            return name is not null;
        }

        // the words are joined only when they are needed: this runs four times for each tensor
        private void Expect(JsonTokenType type, string what, string name)
        {
            if (!_json.Read() || _json.TokenType != type)
                throw Refuse($"{what}{(name.Length == 0 ? "" : " ")}{Excerpt.Of(name)} must be {(type switch { JsonTokenType.StartObject => "an object", JsonTokenType.StartArray => "a list", _ => "a text" })}");
        }

        private readonly ModelFileException Refuse(string reason) => new(file, 8 + _json.TokenStartIndex, reason);

        private static uint BitsOf(string type) => type switch
        {
            "F4" => 4,
            "F6_E2M3" or "F6_E3M2" => 6,
            "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" => 8,
            "I16" or "U16" or "F16" or "BF16" => 16,
            "I32" or "U32" or "F32" => 32,
            _ => 64,
        };
    }
}

using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Formats;

public sealed class SafeTensorsFileTests
{
    private const string One = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    /// <summary>Crafted files and a piece of the reason that each is refused with. The second column is the header, the third the bytes of data.</summary>
    private static readonly (string Why, string Header, int Data)[] s_hostile =
    [
        ("does not begin with {", "", 4),
        ("does not begin with {", "[]", 0),
        ("does not begin with {", " {}", 0),
        ("too short", "{", 0),
        ("not the JSON", """{"a":""", 0),
        ("not the JSON", "{}x", 0),
        ("not the JSON", "{}{}", 0),
        ("not the JSON", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}""", 8),
        ("b of a is unknown", """{"a":{"b":{"c":{"d":{"e":1}}}}}""", 0),
        ("must be an object", """{"a":[]}""", 0),
        ("must be an object", """{"a":null}""", 0),
        ("must be a text", """{"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}""", 8),
        ("must be a list", """{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8),
        ("whole numbers", """{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8),
        ("whole numbers", """{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,10]}}""", 10),
        ("whole numbers", """{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8),
        ("whole numbers", """{"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", 8),
        ("more than 8 numbers", """{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", 8),
        ("need two numbers", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8),
        ("more than 2 numbers", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}""", 8),
        ("lacks dtype", """{"a":{}}""", 0),
        ("lacks dtype", """{"a":{"dtype":"F32","shape":[2]}}""", 8),
        ("unknown dtype Q4", """{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", 8),
        ("evil of a is unknown", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"evil":1}}""", 8),
        ("shape of a is unknown or stands twice", """{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8),
        ("tensor a stands twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8),
        ("tensor a stands twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8),
        ("__metadata__ stands twice", """{"__metadata__":{},"__metadata__":{}}""", 0),
        ("stands twice in __metadata__", """{"__metadata__":{"a":"1","a":"2"}}""", 0),
        ("must be a text", """{"__metadata__":{"a":1}}""", 0),
        ("lie outside", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8),
        ("lie outside", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7),
        ("lie outside", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]}}""", 8),
        ("needs 12", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8),
        ("needs 4", """{"a":{"dtype":"F32","shape":[],"data_offsets":[0,8]}}""", 8),
        ("too large", """{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,4611686018427387904],"data_offsets":[0,8]}}""", 8),
        ("needs 18446744073709551616", """{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}}""", 8),
        ("after a hole", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8),
        ("inside another", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8),
        ("the tensors end here", One, 9),
        ("the tensors end here", "{}", 4096), // another file hidden behind an empty one
        ("half a surrogate pair", """{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8),
        ("needs 0", """{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}""", 1), // half a byte
    ];

    [Fact]
    public void A_hostile_header_is_refused_with_its_reason()
    {
        using TemporaryFolder folder = new();
        List<string> wrong = [];
        foreach ((string why, string header, int data) in s_hostile)
            Refused(folder, wrong, why, File(header, data));
        foreach ((string why, byte[] bytes) in (ReadOnlySpan<(string, byte[])>)
            [
                ("empty", []),
                ("too short", [1, 2, 3]),
                ("26214401 bytes is announced", [.. BitConverter.GetBytes(26_214_401L), .. "{}"u8]),
                ("18446744073709551615 bytes is announced", [.. BitConverter.GetBytes(-1L), .. "{}"u8]),
                ("the download is incomplete", [.. BitConverter.GetBytes(1000L), .. "{}"u8]),
                ("not valid UTF-8", [.. BitConverter.GetBytes(4L), .. "{\""u8, 0xC0, 0x80]),
                ("GGUF", [.. "GGUF"u8, 3, 0, 0, 0, 0, 0, 0, 0, 0]),
                ("pickle", [.. "PK\x03\x04"u8, .. new byte[30]]),
                ("pickle", [0x80, 2, .. "}q\x00X"u8, .. new byte[10]]),
                ("git lfs pull", [.. "version https://git-lfs.github.com/spec/v1\noid sha256:"u8]),
            ])
        {
            Refused(folder, wrong, why, bytes);
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Types_that_are_no_weights_are_tolerated_until_somebody_wants_them_as_weights()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("model.safetensors", File("""{"ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},"w":{"dtype":"BF16","shape":[2,1],"data_offsets":[16,20]},"none":{"dtype":"F32","shape":[0,7],"data_offsets":[20,20]}}   """, 20));
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.True(file.TryGet("w", out TensorView weights));
        Assert.Equal("BF16 [2 × 1]", weights.ToString());
        Assert.True(file.TryGet("none", out TensorView none));
        Assert.Equal(0, none.Count);
        Assert.False(file.TryGet("x", out _));
        Assert.Contains("stored as I64", Assert.Throws<ModelFileException>(() => file.TryGet("ids", out _)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_names_the_byte_where_the_file_goes_wrong()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("model.safetensors", File("{\n\n  x", 0));
        ModelFileException refusal = Assert.Throws<ModelFileException>(() => SafeTensorsFile.Open(path));
        Assert.Equal((path, 8 + 5L), (refusal.File, refusal.Offset));
    }

    [Fact]
    public void A_tensor_larger_than_a_view_can_count_is_refused_when_it_is_asked_for()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("model.safetensors", File("""{"a":{"dtype":"F32","shape":[0,4294967296],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[65536,65536,0],"data_offsets":[0,0]}}""", 0));
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.Throws<ModelFileException>(() => file.TryGet("a", out _));
        Assert.Throws<ModelFileException>(() => file.TryGet("b", out _));
    }

    [Fact]
    public void Opening_allocates_in_proportion_to_the_header_and_not_to_what_it_says()
    {
        using TemporaryFolder folder = new();
        StringBuilder header = new("{");
        for (int i = 0; i < 20_000; i++)
            header.Append(i == 0 ? "" : ",").Append($$"""  "model.layers.{{i}}.weight":{"dtype":"U8","shape":[1],"data_offsets":[{{i}},{{i + 1}}]}""");
        byte[] bytes = File(header.Append('}').ToString(), 20_000);
        string path = folder.Write("model.safetensors", bytes);
        using (SafeTensorsFile.Open(path)) // once before, so that no first call is measured
        {
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 4L * header.Length, $"{allocated} bytes for a header of {header.Length}");
    }

    private static byte[] File(string header, int data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[data]];
    }

    private static void Refused(TemporaryFolder folder, List<string> wrong, string why, byte[] bytes)
    {
        string path = folder.Write("model.safetensors", bytes);
        try
        {
            SafeTensorsFile.Open(path).Dispose();
            wrong.Add($"accepted, although: {why}");
        }
        catch (ModelFileException refusal) when (refusal.Message.Contains(why, StringComparison.Ordinal))
        {
        }
        catch (Exception e)
        {
            wrong.Add($"wanted {why}, got {e.GetType().Name}: {e.Message}");
        }
    }
}

using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Fairlead.Bench;

/// <summary>
/// Writes a model like the built-in one with another number of layers: its first ones, or all of them and idle ones that add nothing, so that it says the same and takes longer. The one model with
/// sensible answers that is at hand, in sizes of which one can be the draft of another.
/// </summary>
internal static class GuideLayers
{
    /// <summary>Writes a folder.</summary>
    /// <param name="guide">The built-in model's.</param>
    /// <param name="folder">Is made.</param>
    /// <param name="layers">At least one.</param>
    public static void Write(string guide, string folder, int layers)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(guide, "*.json"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(guide, "config.json")))!;
        int there = config["num_hidden_layers"]!.GetValue<int>();
        config["num_hidden_layers"] = layers;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());

        byte[] weights = File.ReadAllBytes(Path.Combine(guide, "model.safetensors"));
        int headerBytes = (int)BinaryPrimitives.ReadInt64LittleEndian(weights);
        JsonObject tensors = JsonNode.Parse(weights.AsSpan(8, headerBytes))!.AsObject();
        tensors.Remove("__metadata__");
        var header = new JsonObject();
        using var data = new MemoryStream();
        foreach ((string name, JsonNode? tensor) in tensors)
        {
            long first = tensor!["data_offsets"]![0]!.GetValue<long>(), end = tensor["data_offsets"]![1]!.GetValue<long>();
            byte[] values = weights[(int)(8 + headerBytes + first)..(int)(8 + headerBytes + end)];
            string[] parts = name.Split('.');
            int layer = parts is ["model", "layers", var number, ..] ? int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : -1;
            if (layer < layers)
                Add(name, values);
            for (int idle = layer == 0 ? there : layers; idle < layers; idle++)
                Add(string.Join('.', [.. parts[..2], $"{idle}", .. parts[3..]]), parts[^2] is "o_proj" or "down_proj" ? new byte[values.Length] : values);

            void Add(string called, byte[] bytes)
            {
                header[called] = new JsonObject { ["dtype"] = tensor["dtype"]!.DeepClone(), ["shape"] = tensor["shape"]!.DeepClone(), ["data_offsets"] = new JsonArray(data.Length, data.Length + bytes.Length) };
                data.Write(bytes);
            }
        }

        byte[] head = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        Array.Resize(ref head, (head.Length + 7) / 8 * 8);
        head.AsSpan().Replace((byte)0, (byte)' '); // what Resize added: blanks, as the format wants
        using FileStream target = File.Create(Path.Combine(folder, "model.safetensors"));
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, head.Length);
        target.Write(length);
        target.Write(head);
        data.WriteTo(target);
    }
}

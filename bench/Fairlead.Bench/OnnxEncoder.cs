using System.Globalization;
using System.Runtime.InteropServices;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>
/// Writes an encoder of BERT's kind as an ONNX file with the operators that onnxruntime's own optimiser of transformers puts in: attention, a norm after a
/// sum, and a bias with GELU, each as one. Weights are in single precision. Message and field numbers are those of onnx.proto3 (onnx/onnx, IR version 8).
/// </summary>
internal sealed unsafe class OnnxEncoder
{
    private const string OfMicrosoft = "com.microsoft";
    private const int Float32 = 1, Int32 = 6;
    private const int NodesField = 1, NameField = 2, InitializersField = 5, InputsField = 11, OutputsField = 12;

    private readonly ProtobufMessage _graph = new();

    private OnnxEncoder()
    {
    }

    /// <summary>
    /// Converts the checkpoint in <paramref name="folder"/>. Inputs: <c>tokens</c>, <c>positions</c> and <c>segments</c> as <c>[texts × length]</c>, <c>lengths</c> as
    /// <c>[texts]</c> (what comes after a text's length is padding); output: <c>hidden</c>, <c>[texts × length × width]</c>.
    /// </summary>
    public static void Write(string folder, string file)
    {
        using ModelFolder model = ModelFolder.Open(folder);
        EncoderPlan plan = EncoderPlan.Read(model);
        (EncoderDesign design, EncoderWeights weights) = (plan.Design, plan.Weights);
        if (design.Activation != Activation.Gelu || design.DistanceBuckets > 0 || design.PaddingToken is not null || weights.Segments is null)
            throw new NotSupportedException($"{folder}: not of BERT's kind");
        var writer = new OnnxEncoder();
        writer.Build(design, weights);
        new ProtobufMessage()
            .Number(1, 8)
            .Message(8, new ProtobufMessage().Text(1, "").Number(2, 17))
            .Message(8, new ProtobufMessage().Text(1, OfMicrosoft).Number(2, 1))
            .Message(7, writer._graph)
            .Save(file);
    }

    private void Build(EncoderDesign design, EncoderWeights weights)
    {
        _graph.Text(NameField, "encoder");
        foreach (string input in new[] { "tokens", "positions", "segments" })
            Value(InputsField, input, Int32, "texts", "length");
        Value(InputsField, "lengths", Int32, "texts");
        Value(OutputsField, "hidden", Float32, "texts", "length", design.Width.ToString(CultureInfo.InvariantCulture));

        ProtobufMessage epsilon = Attribute("epsilon").Single(2, design.Epsilon).Number(20, 1);
        Matrix("token_table", weights.Tokens);
        Matrix("position_table", weights.Positions);
        Matrix("segment_table", weights.Segments!.Value);
        Node("Gather", "", ["token_table", "tokens"], "token_rows");
        Node("Gather", "", ["position_table", "positions"], "position_rows");
        Node("Gather", "", ["segment_table", "segments"], "segment_rows");
        Node("Add", "", ["token_rows", "position_rows"], "two_rows");
        Node("Add", "", ["two_rows", "segment_rows"], "three_rows");
        Norm("embedding_norm", weights.EmbeddingNorm);
        Node("LayerNormalization", "", ["three_rows", "embedding_norm_scale", "embedding_norm_shift"], "layer0", epsilon, Attribute("axis").Number(3, -1).Number(20, 2));
        for (int i = 0; i < design.Layers; i++)
            Layer(i, design, weights.Layers[i], epsilon, i == design.Layers - 1 ? "hidden" : $"layer{i + 1}");
    }

    private void Layer(int index, EncoderDesign design, EncoderLayerWeights layer, ProtobufMessage epsilon, string output)
    {
        string name = $"l{index}_", input = $"layer{index}";
        Linear(name + "qkv", layer.Query, layer.Key, layer.Value);
        Linear(name + "out", layer.Output);
        Linear(name + "up", layer.Up);
        Linear(name + "down", layer.Down);
        Norm(name + "norm1", layer.AttentionNorm);
        Norm(name + "norm2", layer.OutputNorm);
        Node("Attention", OfMicrosoft, [input, name + "qkv_weight", name + "qkv_bias", "lengths"], name + "attended", Attribute("num_heads").Number(3, design.Heads).Number(20, 2));
        Node("MatMul", "", [name + "attended", name + "out_weight"], name + "projected");
        Node("SkipLayerNormalization", OfMicrosoft, [name + "projected", input, name + "norm1_scale", name + "norm1_shift", name + "out_bias"], name + "middle", epsilon);
        Node("MatMul", "", [name + "middle", name + "up_weight"], name + "raised");
        Node("BiasGelu", OfMicrosoft, [name + "raised", name + "up_bias"], name + "active");
        Node("MatMul", "", [name + "active", name + "down_weight"], name + "lowered");
        Node("SkipLayerNormalization", OfMicrosoft, [name + "lowered", name + "middle", name + "norm2_scale", name + "norm2_shift", name + "down_bias"], output, epsilon);
    }

    /// <summary>Projections side by side: <c>[inputs × all outputs]</c>, as ONNX multiplies, and their biases.</summary>
    private void Linear(string name, params LinearWeights[] parts)
    {
        int inputs = parts[0].Inputs, outputs = parts.Sum(static part => part.Weight.Rows), first = 0;
        float[] turned = new float[(long)inputs * outputs], bias = new float[outputs];
        foreach (LinearWeights part in parts)
        {
            float[] weight = Values(part.Weight);
            for (int output = 0; output < part.Weight.Rows; output++)
            {
                for (int i = 0; i < inputs; i++)
                    turned[((long)i * outputs) + first + output] = weight[((long)output * inputs) + i];
            }

            Values(part.Bias!.Value).CopyTo(bias, first);
            first += part.Weight.Rows;
        }

        Tensor(name + "_weight", turned, inputs, outputs);
        Tensor(name + "_bias", bias, outputs);
    }

    private void Norm(string name, NormWeights norm)
    {
        Tensor(name + "_scale", Values(norm.Scale), norm.Scale.Columns);
        Tensor(name + "_shift", Values(norm.Shift!.Value), norm.Scale.Columns);
    }

    private void Matrix(string name, TensorView table) => Tensor(name, Values(table), table.Rows, table.Columns);

    private void Tensor(string name, float[] values, params int[] shape)
    {
        var tensor = new ProtobufMessage();
        foreach (int length in shape)
            tensor.Number(1, length);
        _graph.Message(InitializersField, tensor.Number(2, Float32).Text(8, name).Bytes(9, MemoryMarshal.AsBytes<float>(values).ToArray()));
    }

    private void Node(string kind, string domain, string[] inputs, string output, params ProtobufMessage[] attributes)
    {
        var node = new ProtobufMessage();
        foreach (string input in inputs)
            node.Text(1, input);
        node.Text(2, output).Text(3, output).Text(4, kind);
        foreach (ProtobufMessage attribute in attributes)
            node.Message(5, attribute);
        _graph.Message(NodesField, node.Text(7, domain));
    }

    private void Value(int field, string name, int type, params string[] dimensions)
    {
        var shape = new ProtobufMessage();
        foreach (string dimension in dimensions)
            shape.Message(1, int.TryParse(dimension, CultureInfo.InvariantCulture, out int length) ? new ProtobufMessage().Number(1, length) : new ProtobufMessage().Text(2, dimension));
        _graph.Message(field, new ProtobufMessage().Text(1, name).Message(2, new ProtobufMessage().Message(1, new ProtobufMessage().Number(1, type).Message(2, shape))));
    }

    private static ProtobufMessage Attribute(string name) => new ProtobufMessage().Text(1, name);

    private static float[] Values(TensorView tensor)
    {
        float[] values = new float[tensor.Count];
        for (int row = 0; row < tensor.Rows; row++)
            Dequantize.Row(tensor.Type, tensor.Data + (row * tensor.RowBytes), values.AsSpan(row * tensor.Columns, tensor.Columns));
        return values;
    }
}

namespace Fairlead.Engine.Formats;

/// <summary>What a file that is none of ours seems to be, told by its first bytes, so that the refusal can say what would help.</summary>
internal static class FileKind
{
    /// <summary>What to do instead of reading a pickle; the same sentence wherever one is met.</summary>
    public const string OnlyOurs = "only safetensors and GGUF are read; convert it (a pickle can run code when it is opened)";

    /// <summary>A clause for the end of an error message, or null where the bytes look like nothing known.</summary>
    public static string? Guess(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("GGUF"u8))
            return "this is a GGUF file: its name should end in .gguf";
        if (head.StartsWith("PK\x03\x04"u8))
            return $"this is a zip archive, as PyTorch writes its pickles: {OnlyOurs}";
        if (head.Length >= 2 && head[0] == 0x80 && head[1] is >= 2 and <= 5)
            return $"this is a pickle: {OnlyOurs}";
        if (head.StartsWith("version https://git-lfs"u8))
            return "this is a Git LFS pointer, not the file itself: run `git lfs pull` in the repository";
        if (head.StartsWith("lmgg"u8) || head.StartsWith("tjgg"u8) || head.StartsWith("fmgg"u8) || head.StartsWith("algg"u8))
            return "this is a GGML file from before GGUF: convert it with llama.cpp's converter";
        if (head.StartsWith("\x89HDF"u8))
            return "this is an HDF5 file (Keras weights): only safetensors and GGUF are read";
        if (head.StartsWith("<!DOCTYPE"u8) || head.StartsWith("<html"u8))
            return "this is a web page: the download failed";
        return null;
    }

    /// <summary>Whether a file name says pickle or another container that may run code or that we do not read.</summary>
    public static bool IsRefusedWeights(string name) =>
        Path.GetExtension(name).ToLowerInvariant() is ".bin" or ".pt" or ".pth" or ".pkl" or ".pickle" or ".ckpt" or ".h5" or ".msgpack" or ".npz" or ".npy" or ".onnx" or ".tflite" or ".joblib";
}

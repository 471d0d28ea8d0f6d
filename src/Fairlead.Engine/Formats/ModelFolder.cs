using System.Collections.Immutable;
using System.Text.Json;

namespace Fairlead.Engine.Formats;

/// <summary>A model as it lies on disk: a folder in the form of the Hub, or one GGUF file. Opening checks every header; weights are mapped, not read.</summary>
/// <remarks>
/// Read are <c>*.safetensors</c>, <c>*.gguf</c> and the JSON and text files beside them; a pickle is never opened. No name and no link leads
/// out of the folder (<see cref="FolderFiles"/>). Whoever opens it disposes it, after everything that uses its weights.
/// </remarks>
public sealed class ModelFolder : IDisposable
{
    /// <summary>Longest <c>tokenizer.json</c>, 256 MiB; the longest seen has 33 MB.</summary>
    public const int MaxTokenizerBytes = 256 << 20;

    private readonly FolderFiles? _files;

    private ModelFolder(string path, FolderFiles? files, JsonConfig config, IWeights weights, GgufFile? gguf)
    {
        Path = path;
        _files = files;
        Config = config;
        Weights = weights;
        Gguf = gguf;
    }

    /// <summary>The folder or file as the caller named it.</summary>
    public string Path { get; }

    /// <summary><c>config.json</c>, or the same made from the metadata of the GGUF file.</summary>
    public JsonConfig Config { get; }

    /// <summary>The weights under their Hugging Face names.</summary>
    public IWeights Weights { get; }

    /// <summary>The GGUF file, or null for safetensors.</summary>
    public GgufFile? Gguf { get; }

    /// <summary><c>tokenizer.json</c>, or null where there is none.</summary>
    public byte[]? TokenizerJson { get; private init; }

    /// <summary><c>tokenizer_config.json</c>, an object, or null where there is none.</summary>
    public JsonElement? TokenizerConfig { get; private init; }

    /// <summary>The chat template, or null where the model has none.</summary>
    public string? ChatTemplate => ChatTemplates.GetValueOrDefault(Formats.ChatTemplates.Default);

    /// <summary>Every chat template by its name: <c>default</c>, and where the authors wrote more, mostly <c>tool_use</c>.</summary>
    public ImmutableDictionary<string, string> ChatTemplates { get; private init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary><c>generation_config.json</c> over what the configuration says.</summary>
    public required GenerationDefaults GenerationDefaults { get; init; }

    /// <summary>The files that hold the weights, as they were when they were opened.</summary>
    public ImmutableArray<FileStamp> Stamps { get; private init; } = [];

    /// <summary>Bytes of the files in which the vocabulary stands, or of the part of the GGUF file before its tensors.</summary>
    public long VocabularyBytes => TokenizerJson?.Length
        ?? (Gguf is not null ? HeaderBytes : Tokenizers.Older.OlderFiles.Names.Sum(name => _files?.LengthOf(name) ?? 0));

    /// <summary>Bytes of the weights' files before the first tensor: they have been read.</summary>
    public long HeaderBytes { get; private init; }

    /// <summary>Whether the text stands as one of its own in the vocabulary's file. Nothing is parsed: that it is a token is likely and not certain.</summary>
    internal bool VocabularyHolds(string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        return Gguf is { } gguf ? gguf.Header.IndexOf(bytes) >= 0 : TokenizerJson.AsSpan().IndexOf((byte[])[(byte)'"', .. bytes, (byte)'"']) >= 0;
    }

    /// <summary>Opens a folder or a <c>.gguf</c> file.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="outlineOnly">Only sizes are wanted: what a reader would put in another order has room and no values, so no weight is read.</param>
    /// <exception cref="ModelFileException">Something in it is refused: which file, where, why.</exception>
    public static ModelFolder Open(string path, bool outlineOnly = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            return OpenFolder(path, new FolderFiles(path), outlineOnly);
        if (!File.Exists(path))
            throw new ModelFileException(path, null, "no such file or folder");
        if (FileKind.IsRefusedWeights(path))
            throw new ModelFileException(path, null, FileKind.OnlyOurs);
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new ModelFileException(path, null, "this file holds weights alone; name its folder, in which config.json and tokenizer.json lie beside it");
        return OpenGguf(path, path, null, outlineOnly);
    }

    /// <summary>Another file of the folder by its relative path (<c>1_Pooling/config.json</c>, <c>vocab.txt</c>), or null where there is none, as always with a GGUF file.</summary>
    /// <exception cref="ModelFileException">It leads out of the folder, is empty, or is longer than <paramref name="maxBytes"/>.</exception>
    public byte[]? ReadFile(string name, int maxBytes) => _files?.Read(name, maxBytes);

    /// <summary>What error messages should call a file of the folder.</summary>
    public string NameOf(string name) => _files?.Shown(name) ?? Path;

    /// <summary>Unmaps everything; every view of the weights is dead from here on.</summary>
    public void Dispose()
    {
        Weights.Dispose();
        Gguf?.Dispose();
    }

    private static ModelFolder OpenFolder(string path, FolderFiles files, bool outlineOnly)
    {
        string[] names = files.Names();
        if (!Array.Exists(names, static name => name.EndsWith(".safetensors", StringComparison.Ordinal) || name == "model.safetensors.index.json"))
        {
            string[] ggufs = Array.FindAll(names, static name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase));
            if (ggufs is [string only])
                return OpenGguf(files.Shown(only), files.Locate(only)!, files, outlineOnly);
            if (ggufs.Length > 1)
                throw new ModelFileException(path, null, $"holds {ggufs.Length} GGUF files; name the one to load, such as {Excerpt.Of(ggufs[0])}");
            if (Array.Find(names, FileKind.IsRefusedWeights) is { } pickle)
                throw new ModelFileException(files.Shown(Excerpt.Of(pickle)), null, FileKind.OnlyOurs);
            throw new ModelFileException(path, null, "holds no weights: neither model.safetensors, nor model.safetensors.index.json, nor a .gguf file");
        }

        byte[] configBytes = files.Read("config.json", JsonConfig.MaxBytes) ?? throw new ModelFileException(files.Shown("config.json"), null, "is missing: without it nobody knows what the weights mean");
        JsonConfig config = JsonConfig.Parse(files.Shown("config.json"), configBytes);
        if (config.Has("quantization_config"))
            throw config.Refuse("quantization_config", "says that the weights are quantised in a form that is not read; take the unquantised model or a GGUF file of it, or serve it with vLLM");
        JsonConfig? generation = files.Read("generation_config.json", JsonConfig.MaxBytes) is { } bytes ? JsonConfig.ParseAsIs(files.Shown("generation_config.json"), bytes) : null;
        JsonElement? tokenizerConfig = files.Read("tokenizer_config.json", MaxTokenizerBytes) is { } settings ? StrictJson.ParseObject(files.Shown("tokenizer_config.json"), settings) : null;
        ImmutableDictionary<string, string> templates = Formats.ChatTemplates.Of(files, tokenizerConfig);
        GenerationDefaults defaults = GenerationDefaults.Read(generation, config);
        byte[]? tokenizer = files.Read("tokenizer.json", MaxTokenizerBytes);

        // the weights last: nothing that can be refused comes after them, so nothing has to be undone
        SafeTensorsWeights weights = OpenWeights(files);
        return new ModelFolder(path, files, config, weights, null)
        {
            Stamps = weights.Stamps,
            HeaderBytes = weights.HeaderBytes,
            GenerationDefaults = defaults,
            TokenizerConfig = tokenizerConfig,
            TokenizerJson = tokenizer,
            ChatTemplates = templates,
        };
    }

    private static SafeTensorsWeights OpenWeights(FolderFiles files)
    {
        const string Single = "model.safetensors", Index = "model.safetensors.index.json";
        if (files.Locate(Single) is { } single)
            return SafeTensorsWeights.OpenSingle(single, files.Shown(Single));
        byte[] index = files.Read(Index, SafeTensorsFile.MaxHeaderBytes) ??
            throw new ModelFileException(files.Shown(Single), null, "is missing, and so is model.safetensors.index.json; weights under other names are not looked for");
        return SafeTensorsWeights.OpenSharded(files.Shown(Index), index, shard => files.Locate(shard) ?? throw new ModelFileException(files.Shown(shard), null, "is missing: the download is incomplete"));
    }

    private static ModelFolder OpenGguf(string shown, string path, FolderFiles? files, bool outlineOnly)
    {
        GgufFile file = GgufFile.Open(path, shown);
        try
        {
            if (file.Integer("split.count") is > 1 and var parts)
                throw file.Refuse("split.count", $"the model is split over {parts} files; join them with `llama-gguf-split --merge`");
            JsonConfig config = GgufConfig.Make(file);
            return new ModelFolder(shown, files, config, new GgufWeights(file, outlineOnly), file)
            {
                Stamps = [file.Stamp],
                HeaderBytes = file.Header.Length,
                GenerationDefaults = GenerationDefaults.Read(null, config),
                ChatTemplates = Formats.ChatTemplates.Of(file),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}

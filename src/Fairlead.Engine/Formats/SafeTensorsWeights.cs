using System.Collections.Immutable;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>The weights of a folder in safetensors form: one file, or shards under <c>model.safetensors.index.json</c>.</summary>
public sealed class SafeTensorsWeights : IWeights
{
    /// <summary>Most shards of one model; the largest published ones have about 200.</summary>
    public const int MaxShards = 1024;

    private readonly List<SafeTensorsFile> _files;
    private readonly Dictionary<string, SafeTensorsFile> _places;

    private SafeTensorsWeights(List<SafeTensorsFile> files, Dictionary<string, SafeTensorsFile> places)
    {
        _files = files;
        _places = places;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => _places.Keys;

    /// <summary>The files, as they were when they were opened.</summary>
    public ImmutableArray<FileStamp> Stamps => [.. _files.Select(static file => file.Stamp)];

    /// <summary>Bytes of the files before their first tensor.</summary>
    public long HeaderBytes => _files.Sum(static file => file.Stamp.Length - file.Tensors.Values.Sum(static tensor => tensor.Bytes));

    /// <summary>Opens one file that holds every tensor.</summary>
    /// <exception cref="ModelFileException">The file is refused.</exception>
    public static SafeTensorsWeights OpenSingle(string path, string? name = null)
    {
        SafeTensorsFile file = SafeTensorsFile.Open(path, name);
        return new SafeTensorsWeights([file], file.Tensors.Keys.ToDictionary(static key => key, _ => file, StringComparer.Ordinal));
    }

    /// <summary>Opens the shards that an index names.</summary>
    /// <param name="indexName">What error messages call the index.</param>
    /// <param name="index">Its bytes: <c>{"weight_map": {"tensor": "model-00001-of-00002.safetensors"}}</c>.</param>
    /// <param name="locate">Turns the name of a shard into the path to open, or refuses it.</param>
    /// <exception cref="ModelFileException">The index or a shard is refused, a shard lacks a tensor, or a name would leave the folder.</exception>
    public static SafeTensorsWeights OpenSharded(string indexName, ReadOnlyMemory<byte> index, Func<string, string> locate)
    {
        JsonConfig map = JsonConfig.ParseAsIs(indexName, index).Section("weight_map") ?? throw new ModelFileException(indexName, null, "weight_map is missing");
        var shards = new Dictionary<string, SafeTensorsFile>(StringComparer.Ordinal);
        var places = new Dictionary<string, SafeTensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach ((string tensor, string shard) in map.AllTexts)
            {
                if (!shards.TryGetValue(shard, out SafeTensorsFile? file))
                {
                    if (!FileNames.IsPlain(shard) || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
                        throw new ModelFileException(indexName, null, $"tensor {Excerpt.Of(tensor)} is said to lie in {Excerpt.Of(shard)}; only .safetensors files of the same folder are opened");
                    if (shards.Count == MaxShards)
                        throw new ModelFileException(indexName, null, $"more than {MaxShards} files are named");
                    shards.Add(shard, file = SafeTensorsFile.Open(locate(shard), Path.Combine(Path.GetDirectoryName(indexName) ?? "", shard)));
                }

                if (!file.Tensors.ContainsKey(tensor))
                    throw new ModelFileException(indexName, null, $"tensor {Excerpt.Of(tensor)} is said to lie in {shard}, which has no such tensor");
                places.Add(tensor, file);
            }

            if (places.Count == 0)
                throw new ModelFileException(indexName, null, "weight_map is empty");
            return new SafeTensorsWeights([.. shards.Values], places);
        }
        catch
        {
            foreach (SafeTensorsFile file in shards.Values)
                file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ModelFileException">The tensor is there, but of a type that is not read as weights.</exception>
    public bool TryGet(string name, out TensorView tensor)
    {
        if (_places.TryGetValue(name, out SafeTensorsFile? file))
            return file.TryGet(name, out tensor);
        tensor = default;
        return false;
    }

    /// <inheritdoc/>
    public unsafe void Release(in TensorView tensor) => MappedPages.Forget(tensor.Data, tensor.Rows * tensor.RowBytes);

    /// <summary>Unmaps every file.</summary>
    public void Dispose()
    {
        foreach (SafeTensorsFile file in _files)
            file.Dispose();
    }
}

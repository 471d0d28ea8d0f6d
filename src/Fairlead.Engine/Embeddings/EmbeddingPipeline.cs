using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Embeddings;

/// <summary>One entry of <c>modules.json</c>.</summary>
/// <param name="Kind">The last part of the Python class's name: <c>Transformer</c>, <c>Pooling</c>, <c>Dense</c>, <c>Normalize</c>.</param>
/// <param name="Folder">Where its files lie; empty for the model's own folder.</param>
internal readonly record struct EmbeddingModule(string Kind, string Folder);

/// <summary>From an encoder's output to the vector of a text, as <c>modules.json</c> says.</summary>
internal sealed record EmbeddingPipeline(Pooling Pooling, IReadOnlyList<IVectorStep> Steps) : IDisposable
{
    private const int MaxModules = 16;

    /// <summary>The modules in order, or null where there is no <c>modules.json</c>.</summary>
    /// <exception cref="ModelFileException">The file is refused, or does not begin with a transformer and a pooling.</exception>
    public static IReadOnlyList<EmbeddingModule>? ReadModules(FolderFiles files)
    {
        const string Name = "modules.json";
        if (files.Read(Name, JsonConfig.MaxBytes) is not { } bytes)
            return null;
        string shown = files.Shown(Name);
        JsonElement root = StrictJson.Parse(shown, bytes);
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() > MaxModules)
            throw new ModelFileException(shown, null, $"must be a list of at most {MaxModules} modules");
        List<EmbeddingModule> modules = [];
        foreach (JsonElement entry in root.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object || !entry.TryGetProperty("type", out JsonElement type) || type.ValueKind != JsonValueKind.String ||
                !entry.TryGetProperty("path", out JsonElement path) || path.ValueKind != JsonValueKind.String)
                throw new ModelFileException(shown, null, "a module must be an object with type and path");
            string folder = path.GetString()!;
            if (folder.Length > 0 && !FileNames.IsPlainPath(folder))
                throw new ModelFileException(shown, null, $"the path {Excerpt.Of(folder)} leads out of the folder");
            modules.Add(new EmbeddingModule(type.GetString()!.Split('.')[^1], folder));
        }

        return modules is [{ Kind: "Transformer" }, { Kind: "Pooling" }, ..]
            ? modules
            : throw new ModelFileException(shown, null, $"only a Transformer with a Pooling behind it is supported, this is {Excerpt.Of(string.Join(", ", modules.Select(static module => module.Kind)))}");
    }

    /// <summary>Opens what stands behind the transformer.</summary>
    /// <exception cref="ModelFileException">A module is not known, or its files are refused.</exception>
    public static EmbeddingPipeline Open(FolderFiles files, IReadOnlyList<EmbeddingModule> modules, int width)
    {
        Pooling pooling = Pooling.Read(ModuleFiles.Config(files, modules[1].Folder), width);
        List<IVectorStep> steps = [];
        try
        {
            int values = pooling.Outputs(width);
            foreach (EmbeddingModule module in modules.Skip(2))
            {
                switch (module.Kind)
                {
                    case "Dense":
                        steps.Add(DenseStep.Open(files, module.Folder, values));
                        break;
                    case "Normalize":
                        steps.Add(new NormalizeStep(values));
                        break;
                    case "Dropout": // for training
                        continue;
                    default:
                        throw new ModelFileException(files.Shown("modules.json"), null, $"a module of kind {Excerpt.Of(module.Kind)} is not supported; text-embeddings-inference may serve this model");
                }

                values = steps[^1].Outputs;
            }

            return new EmbeddingPipeline(pooling, steps);
        }
        catch
        {
            foreach (IVectorStep step in steps)
                step.Dispose();
            throw;
        }
    }

    /// <summary>The files of the layers, as they were when they were opened.</summary>
    public IEnumerable<FileStamp> Stamps => Steps.OfType<DenseStep>().SelectMany(static step => step.Stamps);

    /// <summary>Values of a text's vector.</summary>
    public int Outputs(int width) => Steps.Count > 0 ? Steps[^1].Outputs : Pooling.Outputs(width);

    /// <summary>The vector of one text out of the encoder's <paramref name="hidden"/> <c>[tokens × width]</c>.</summary>
    public unsafe float[] Vector(float* hidden, int tokens, int width)
    {
        float[] vector = new float[Pooling.Outputs(width)];
        Pooling.Apply(hidden, tokens, width, vector);
        foreach (IVectorStep step in Steps)
        {
            float[] next = new float[step.Outputs];
            step.Apply(vector, next);
            vector = next;
        }

        return vector;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IVectorStep step in Steps)
            step.Dispose();
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Models;

/// <summary>What can be seen of a model's files without reading them.</summary>
/// <param name="Print">A word that is another one when a file came, went, or has another size or time; empty where there are no files of ours to see.</param>
/// <param name="Bytes">Bytes that a load reads: weights, where there are files of weights, otherwise everything; 0 where there are none.</param>
internal readonly record struct SourceStamp(string Print, long Bytes)
{
    /// <summary>A model folder has some ten files, a large one some hundred shards; what is beyond is not looked at.</summary>
    private const int MostFiles = 4_096;

    /// <summary>Encoders keep parts in folders of their own, e.g. <c>1_Pooling</c>.</summary>
    private static readonly EnumerationOptions s_walk = new() { RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true, AttributesToSkip = 0 };

    /// <summary>Looks at all files that a model is loaded from: its own, and those of the one that guesses for it.</summary>
    public static SourceStamp Of(WorkerSpec spec)
    {
        SourceStamp model = Of(spec.Source);
        if (spec.Draft is null)
            return model;
        SourceStamp draft = Of(spec.Draft);
        return new SourceStamp(Short($"{model.Print} {draft.Print}"), model.Bytes + draft.Bytes);
    }

    /// <summary>Looks at a file or folder. A source that is no path, or cannot be looked at, has an empty stamp: its worker will say what is wrong with it.</summary>
    public static SourceStamp Of(string source)
    {
        try
        {
            var file = new FileInfo(source);
            if (file.Exists)
                return Of([file]);
            var folder = new DirectoryInfo(source);
            return folder.Exists ? Of(folder.EnumerateFiles("*", s_walk).Take(MostFiles)) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return default;
        }
    }

    private static SourceStamp Of(IEnumerable<FileInfo> files)
    {
        var text = new StringBuilder();
        long weights = 0;
        long all = 0;
        foreach (FileInfo link in files.OrderBy(static file => file.FullName, StringComparer.Ordinal))
        {
            // The Hub's own cache is links to files that are named by their content.
            FileInfo file = link.LinkTarget is null ? link : link.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? link;
            if (!file.Exists)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"{link.FullName}\0{file.FullName}\0{file.Length}\0{file.LastWriteTimeUtc.Ticks}\n");
            all += file.Length;
            if (link.Extension.ToUpperInvariant() is ".SAFETENSORS" or ".GGUF")
                weights += file.Length;
        }
        return text.Length == 0 ? default : new SourceStamp(Short(text.ToString()), weights > 0 ? weights : all);
    }

    /// <summary>Sixteen hexadecimal digits that stand for a text: the same in every process.</summary>
    public static string Short(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}

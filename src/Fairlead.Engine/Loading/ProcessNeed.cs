using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Loading;

/// <summary>What a worker takes beside its model's tensors and cache: figures that no header tells, measured and written down once (docs/local-models.md).</summary>
internal static class ProcessNeed
{
    /// <summary>Program, runtime, compiled code, the garbage collector's room, and requests on their way.</summary>
    private const long Base = 224L << 20;

    /// <summary>A thread that computes: what it touches of its stack.</summary>
    private const long PerThread = 256L << 10;

    /// <summary>For each byte of the vocabulary's file: its text while it is read.</summary>
    private const long PerVocabularyByte = 2;

    /// <summary>For each token: its text, its merges, what reading them leaves to be collected, its bytes for decoding, and its place in the tree that constraints walk.</summary>
    private const long PerToken = 1000;

    /// <summary>All of it, in bytes.</summary>
    public static long Bytes(ModelFolder folder, int vocabularySize, int? threads) =>
        Base + ((threads ?? Environment.ProcessorCount) * PerThread) + OfVocabulary(folder, vocabularySize);

    /// <summary>What reading a vocabulary takes, and leaves behind, in bytes.</summary>
    public static long OfVocabulary(ModelFolder folder, int vocabularySize) => (folder.VocabularyBytes * PerVocabularyByte) + (vocabularySize * PerToken);
}

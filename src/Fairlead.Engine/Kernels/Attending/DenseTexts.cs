using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>A text among others.</summary>
/// <param name="Tiles">Its parts.</param>
/// <param name="First">Parts of the texts before it.</param>
internal readonly record struct DenseText(DenseTiles Tiles, int First);

/// <summary>The parts of several texts as those of one piece of work: threads meet once for all, and short texts are shared as well.</summary>
internal readonly ref struct DenseTexts(ReadOnlySpan<DenseText> texts) : IWork
{
    private readonly ReadOnlySpan<DenseText> _texts = texts;

    public void Do(int part)
    {
        int text = _texts.Length - 1;
        while (_texts[text].First > part)
            text--;
        _texts[text].Tiles.Do(part - _texts[text].First);
    }
}

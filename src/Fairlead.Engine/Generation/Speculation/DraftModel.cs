using System.Collections.Immutable;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Generation.Speculation;

/// <summary>A loaded draft: the second, smaller model that guesses how the answers of a first one go on.</summary>
internal sealed class DraftModel : IDisposable
{
    private readonly DraftPlan _plan;
    private readonly Decoder _decoder;

    private DraftModel(DraftPlan plan, Decoder decoder) => (_plan, _decoder) = (plan, decoder);

    /// <summary>The files that hold its weights.</summary>
    public ImmutableArray<FileStamp> Files => _plan.Folder.Stamps;

    /// <summary>How its matrices were made ready.</summary>
    public PackReport Packing => _decoder.Packing;

    /// <summary>Loads what was planned, which belongs to the draft from then on, unless it is refused.</summary>
    /// <param name="tokenizer">Of the model that it guesses for.</param>
    /// <param name="target">That model, whose threads it uses; must outlive it.</param>
    /// <param name="packing">What has become of that model's matrices, whose pack lies beside the draft's.</param>
    /// <param name="packs">Where both are kept; null: nowhere.</param>
    /// <exception cref="ModelFileException">It has another vocabulary, or a file has become shorter than it was.</exception>
    public static DraftModel Load(DraftPlan plan, Tokenizer tokenizer, Decoder target, PackPlan packing, PackStore? packs, LoadMeter? meter)
    {
        RefuseOtherVocabulary(plan.Folder.Path, Tokenizer.Of(plan.Folder), tokenizer);
        return new DraftModel(plan, Decoder.Load(plan.Decoder, meter, beside: target, PackFile.Of(plan.Decoder.Packing, plan.Folder.Stamps, packs, guided: packing)));
    }

    /// <inheritdoc cref="LanguageModel.KeepPack"/>
    public Task<bool> KeepPack() => _decoder.KeepPack();

    /// <summary>As the loop takes it, with a cache of its own, which the loop disposes.</summary>
    public BatchDraft ForLoop() => new(_decoder.Step, _decoder.NewCache(_plan.Blocks), _decoder.Shape.VocabularySize, _decoder.Shape.ContextLength) { DependsOnPhase = _decoder.DependsOnPhase };

    /// <inheritdoc/>
    public void Dispose()
    {
        _decoder.Dispose();
        _plan.Dispose();
    }

    /// <summary>A token that the draft guesses is a number: it has to mean the same text, special tokens too.</summary>
    private static void RefuseOtherVocabulary(string path, Tokenizer draft, Tokenizer target)
    {
        const string Instead = "A draft has to have the same vocabulary: name a smaller model of the same family, or leave the draft out";
        if (draft.VocabularySize != target.VocabularySize)
            throw new ModelFileException(path, null, $"knows {draft.VocabularySize} tokens, and the model that it should guess for {target.VocabularySize}. {Instead}");
        for (int id = 0; id < target.VocabularySize; id++)
        {
            (string ours, string theirs) = (target.TokenOf(id), draft.TokenOf(id));
            if (ours != theirs)
                throw new ModelFileException(path, null, $"its token {id} is \"{Excerpt.Of(theirs)}\", and that of the model that it should guess for \"{Excerpt.Of(ours)}\". {Instead}");
            if (target.IsSpecial(id) != draft.IsSpecial(id))
                throw new ModelFileException(path, null, $"its token {id}, \"{Excerpt.Of(ours)}\", is {(draft.IsSpecial(id) ? "" : "not ")}special, and that of the model that it should guess for is{(target.IsSpecial(id) ? "" : " not")}. {Instead}");
        }
    }
}

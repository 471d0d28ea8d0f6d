namespace Fairlead.Engine.Tokenizers.PostProcessors;

/// <summary>One part of a template: the first text, the second, or a special token (which may be several numbers).</summary>
/// <param name="Sequence">0 or 1 for a text, −1 for a special token.</param>
internal sealed record TemplatePart(int Sequence, int TypeId, IReadOnlyList<int> Ids);

/// <summary><c>TemplateProcessing</c>: texts and special tokens in the order that the file lists, one list for one text, one for two.</summary>
internal sealed class TemplateProcessor(IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart> pair) : PostProcessor
{
    /// <summary>A template of tokens before and behind each text, as <c>add_bos_token</c> and <c>add_eos_token</c> ask for; −1: none.</summary>
    public static TemplateProcessor Around(int before, int behind)
    {
        IEnumerable<TemplatePart> Text(int sequence) =>
        [
            .. Token(before, sequence),
            new TemplatePart(sequence, sequence, []),
            .. Token(behind, sequence),
        ];
        IEnumerable<TemplatePart> Token(int id, int type) => id < 0 ? [] : [new TemplatePart(-1, type, [id])];
        return new TemplateProcessor([.. Text(0)], [.. Text(0), .. Text(1)]);
    }

    public override int Added(bool two) => (two ? pair : single).Sum(part => part.Ids.Count);

    public override void Apply(List<EncodingDraft> parts, bool addSpecialTokens)
    {
        var whole = new EncodingDraft();
        foreach (TemplatePart part in parts.Count == 2 ? pair : single)
        {
            if (part.Sequence >= 0)
                whole.Add(parts[part.Sequence], part.TypeId);
            else if (addSpecialTokens)
                AddSpecial(whole, part.Ids, part.TypeId);
        }

        parts.Clear();
        parts.Add(whole);
    }

    private static void AddSpecial(EncodingDraft whole, IReadOnlyList<int> ids, int typeId)
    {
        foreach (int id in ids)
            whole.Add(id, 0, 0, typeId);
    }
}

/// <summary><c>BertProcessing</c> and <c>RobertaProcessing</c>: cls A sep, cls A sep B sep (RoBERTa: cls A sep sep B sep, all of type 0).</summary>
internal sealed class ClassifierProcessor(int cls, int sep, bool isRoberta, OffsetTrim? trim) : PostProcessor
{
    public override int Added(bool pair) => pair ? isRoberta ? 4 : 3 : 2;

    public override void Apply(List<EncodingDraft> parts, bool addSpecialTokens)
    {
        trim?.Apply(parts, addSpecialTokens);
        var whole = new EncodingDraft();
        for (int i = 0; i < parts.Count; i++)
        {
            int type = isRoberta ? 0 : i;
            if (addSpecialTokens && (i == 0 || isRoberta))
                whole.Add(i == 0 ? cls : sep, 0, 0, type);
            whole.Add(parts[i], type);
            if (addSpecialTokens)
                whole.Add(sep, 0, 0, type);
        }

        parts.Clear();
        parts.Add(whole);
    }
}

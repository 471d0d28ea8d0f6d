using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>Reads the <c>model</c> of a <c>tokenizer.json</c>: vocabulary and settings.</summary>
internal static class ModelJson
{
    public static TokenModel Read(JsonPart part)
    {
        if (!part.IsPresent)
            throw part.Refusal("is missing: the file is no tokenizer");
        return TypeOf(part) switch
        {
            "BPE" => ReadBpe(part),
            "WordPiece" => ReadWordPiece(part),
            "WordLevel" => new WordLevelModel(part.File, ReadVocabulary(part["vocab"]), part["unk_token"].Text("<unk>")),
            "Unigram" => ReadUnigram(part),
            _ => throw part.Unsupported("model"),
        };
    }

    // Files from before 2020 do not name the type; what they hold tells it.
    private static string TypeOf(JsonPart part)
    {
        if (part["type"].IsPresent)
            return part.Type;
        if (part["merges"].IsPresent)
            return "BPE";
        if (part["vocab"].IsArray)
            return "Unigram";
        return part["max_input_chars_per_word"].IsPresent ? "WordPiece" : "WordLevel";
    }

    private static BpeModel ReadBpe(JsonPart part)
    {
        if (part["dropout"] is { IsPresent: true } dropout && dropout.Real() != 0)
            throw dropout.Refusal($"is {dropout.Real()}: a tokenizer that drops merges by chance gives no answer twice; set it to null");
        Vocabulary vocabulary = ReadVocabulary(part["vocab"]);
        string prefix = part["continuing_subword_prefix"].Text("");
        var merges = new List<(string, string)>();
        foreach (JsonPart merge in part["merges"].IsPresent ? part["merges"].Items() : [])
            merges.Add(ReadMerge(merge));
        string unknown = part["unk_token"].Text("");
        return new BpeModel(vocabulary, BpeMerges.FromList(part.File, vocabulary, merges, prefix), new BpeSettings(
            unknown.Length > 0 && vocabulary.TryGet(CodePoints.Repaired(unknown), out int id) ? id : -1,
            prefix,
            part["end_of_word_suffix"].Text(""),
            part["fuse_unk"].Flag(false),
            part["byte_fallback"].Flag(false),
            part["ignore_merges"].Flag(false)));
    }

    // "a b" or ["a", "b"]; the second can have spaces in its tokens.
    private static (string, string) ReadMerge(JsonPart merge)
    {
        if (merge.IsArray)
        {
            return merge.Count == 2
                ? (CodePoints.Repaired(merge.At(0).Text()), CodePoints.Repaired(merge.At(1).Text()))
                : throw merge.Refusal($"joins {merge.Count} tokens instead of two");
        }

        string[] halves = CodePoints.Repaired(merge.Text()).Split(' ');
        return halves.Length == 2 ? (halves[0], halves[1]) : throw merge.Refusal("is not two tokens with a space between them");
    }

    private static WordPieceModel ReadWordPiece(JsonPart part) => new(
        part.File,
        ReadVocabulary(part["vocab"]),
        part["unk_token"].Text("[UNK]"),
        part["continuing_subword_prefix"].Text("##"),
        part["max_input_chars_per_word"].Number(100, 1, 1_000));

    private static UnigramModel ReadUnigram(JsonPart part)
    {
        JsonPart list = part["vocab"];
        var vocabulary = new Vocabulary(part.File, list.Count);
        double[] scores = new double[list.Count];
        int id = 0;
        foreach (JsonPart item in list.Items())
        {
            vocabulary.Add(item.At(0).Text(), id);
            scores[id++] = item.At(1).Real();
        }

        int unknown = part["unk_id"].Number(-1, 0, Vocabulary.MostTokens - 1);
        return unknown < list.Count
            ? new UnigramModel(part.File, vocabulary, scores, unknown, part["byte_fallback"].Flag(false))
            : throw part["unk_id"].Refusal($"is {unknown}, beyond the vocabulary");
    }

    private static Vocabulary ReadVocabulary(JsonPart part)
    {
        var vocabulary = new Vocabulary(part.File, 1 << 15);
        foreach ((string token, JsonPart id) in part.Members())
            vocabulary.Add(token, id.Number());
        return vocabulary;
    }
}

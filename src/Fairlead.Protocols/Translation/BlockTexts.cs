using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes texts within one JSON string, an empty line between them; as they were escaped.</summary>
internal ref struct Paragraphs(PooledBuffer output)
{
    private bool _any;

    public void Add(ReadOnlySpan<byte> escaped)
    {
        if (escaped.IsEmpty)
            return;
        if (_any)
            output.Append("\\n\\n"u8);
        _any = true;
        output.Append(escaped);
    }
}

/// <summary>What of a block is text. Of what is not, a picture or a paged document, a note stands in its place.</summary>
internal static class BlockTexts
{
    public static void Write(in ContentBlock block, ref Paragraphs text)
    {
        switch (block.Kind)
        {
            case BlockType.Text:
                text.Add(JsonSpan.Inner(block.Text));
                break;
            case BlockType.ToolReference:
                text.Add(JsonSpan.Inner(block.ToolName));
                break;
            case BlockType.SearchResult:
                text.Add(JsonSpan.Inner(block.Title));
                text.Add(JsonSpan.Inner(block.Source));
                WriteAll(block.Content, ref text);
                break;
            case BlockType.Image:
                text.Add("[image: in the next message]"u8);
                break;
            case BlockType.Document:
                WriteDocument(block, ref text);
                break;
        }
    }

    /// <summary>Blocks one after another.</summary>
    /// <param name="blocks">An array of them.</param>
    /// <param name="text">Takes the texts.</param>
    public static void WriteAll(ReadOnlySpan<byte> blocks, ref Paragraphs text)
    {
        for (var elements = new JsonElements(blocks); elements.Next(out ReadOnlySpan<byte> element);)
            Write(new ContentBlock(element), ref text);
    }

    /// <summary>What a document is called and what is said about it.</summary>
    public static void WriteHead(in ContentBlock document, ref Paragraphs text)
    {
        if (JsonSpan.IsString(document.Title))
            text.Add(JsonSpan.Inner(document.Title));
        if (JsonSpan.IsString(document.Context))
            text.Add(JsonSpan.Inner(document.Context));
    }

    private static void WriteDocument(in ContentBlock document, ref Paragraphs text)
    {
        WriteHead(document, ref text);
        var source = new BlockSource(document.Source);
        if (source.Kind == SourceKind.Text)
            text.Add(JsonSpan.Inner(source.Data));
        else if (source.Kind == SourceKind.Content && JsonSpan.IsString(source.Content))
            text.Add(JsonSpan.Inner(source.Content));
        else if (source.Kind == SourceKind.Content)
            WriteAll(source.Content, ref text);
        else
            text.Add("[document: in the next message]"u8);
    }
}

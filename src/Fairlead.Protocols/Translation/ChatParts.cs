using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes blocks of the user's as the parts of one message, which begins with the first of them. A message that is one text is a string:
/// every upstream takes that.</summary>
internal ref struct ChatParts(ChatTurns turns, PooledBuffer output)
{
    private int _parts;
    private int _content;
    private ReadOnlySpan<byte> _only;

    /// <summary>Writes a block that is no result of a tool.</summary>
    public void Add(in ContentBlock block)
    {
        switch (block.Kind)
        {
            case BlockType.Text:
                Begin();
                _only = block.Text;
                output.Append("{\"type\":\"text\",\"text\":"u8);
                output.Append(block.Text);
                output.Append("}"u8);
                break;
            case BlockType.Image:
                AddImage(block);
                break;
            case BlockType.Document:
                AddDocument(block);
                break;
            case BlockType.SearchResult:
                BeginText();
                var text = new Paragraphs(output);
                BlockTexts.Write(block, ref text);
                EndText();
                break;
        }
    }

    /// <summary>Writes those of a tool's result that its own message could only mention, and whose they are.</summary>
    public void AddAttachments(in ContentBlock result)
    {
        if (!JsonSpan.IsArray(result.Content) || !HasAttachment(result.Content))
            return;
        BeginText();
        output.Append("Of the result of tool call "u8);
        output.Append(JsonSpan.Inner(result.ToolUseId));
        output.Append(":"u8);
        EndText();
        Attach(result.Content);
    }

    /// <summary>Ends the message.</summary>
    /// <param name="needed">It is written even if it has no part.</param>
    public void End(bool needed)
    {
        if (_parts == 0)
        {
            if (!needed)
                return;
            turns.Begin("user"u8);
            output.Append("\"\"}"u8);
            return;
        }
        if (_parts == 1 && !_only.IsEmpty)
        {
            output.Truncate(_content);
            output.Append(_only);
            output.Append("}"u8);
            return;
        }
        output.Append("]}"u8);
    }

    private static bool HasAttachment(ReadOnlySpan<byte> blocks)
    {
        for (var elements = new JsonElements(blocks); elements.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind == BlockType.Image)
                return true;
            if (block.Kind != BlockType.Document)
                continue;
            var source = new BlockSource(block.Source);
            if (source.Kind == SourceKind.Base64 || (source.Kind == SourceKind.Content && JsonSpan.IsArray(source.Content) && HasAttachment(source.Content)))
                return true;
        }
        return false;
    }

    private void Attach(ReadOnlySpan<byte> blocks)
    {
        for (var elements = new JsonElements(blocks); elements.Next(out ReadOnlySpan<byte> element);)
        {
            var block = new ContentBlock(element);
            if (block.Kind == BlockType.Image)
            {
                AddImage(block);
            }
            else if (block.Kind == BlockType.Document)
            {
                var source = new BlockSource(block.Source);
                if (source.Kind == SourceKind.Base64)
                    AddFile(block, source);
                else if (source.Kind == SourceKind.Content && JsonSpan.IsArray(source.Content))
                    Attach(source.Content);
            }
        }
    }

    private void AddImage(in ContentBlock block)
    {
        var source = new BlockSource(block.Source);
        if (source.Kind is not (SourceKind.Base64 or SourceKind.Url))
            return;
        Begin();
        output.Append("{\"type\":\"image_url\",\"image_url\":{\"url\":"u8);
        if (source.Kind == SourceKind.Url)
            output.Append(source.Url);
        else
            WriteData(source);
        output.Append("}}"u8);
    }

    private void AddDocument(in ContentBlock block)
    {
        var source = new BlockSource(block.Source);
        if (source.Kind == SourceKind.Base64)
        {
            if (JsonSpan.IsString(block.Context) && block.Context.Length > 2)
            {
                BeginText();
                output.Append(JsonSpan.Inner(block.Context));
                EndText();
            }
            AddFile(block, source);
            return;
        }
        if (source.Kind == SourceKind.Content && JsonSpan.IsArray(source.Content))
        {
            if ((JsonSpan.IsString(block.Title) && block.Title.Length > 2) || (JsonSpan.IsString(block.Context) && block.Context.Length > 2))
            {
                BeginText();
                var head = new Paragraphs(output);
                BlockTexts.WriteHead(block, ref head);
                EndText();
            }
            for (var elements = new JsonElements(source.Content); elements.Next(out ReadOnlySpan<byte> element);)
                Add(new ContentBlock(element));
            return;
        }
        if (source.Kind is not (SourceKind.Text or SourceKind.Content))
            return;
        BeginText();
        var text = new Paragraphs(output);
        BlockTexts.Write(block, ref text);
        EndText();
    }

    private void AddFile(in ContentBlock block, in BlockSource source)
    {
        Begin();
        output.Append("{\"type\":\"file\",\"file\":{\"filename\":"u8);
        output.Append(JsonSpan.IsString(block.Title) && block.Title.Length > 2 ? block.Title : "\"document.pdf\""u8);
        output.Append(",\"file_data\":"u8);
        WriteData(source);
        output.Append("}}"u8);
    }

    private readonly void WriteData(in BlockSource source)
    {
        output.Append("\"data:"u8);
        output.Append(JsonSpan.Inner(source.MediaType));
        output.Append(";base64,"u8);
        output.Append(source.Data[1..]);
    }

    private void Begin()
    {
        _only = default;
        if (_parts++ > 0)
        {
            output.Append(","u8);
            return;
        }
        turns.Begin("user"u8);
        _content = output.Length;
        output.Append("["u8);
    }

    private void BeginText()
    {
        Begin();
        output.Append("{\"type\":\"text\",\"text\":\""u8);
    }

    private readonly void EndText() => output.Append("\"}"u8);
}

namespace Fairlead.Protocols.Anthropic;

/// <summary>Which event may come next: a message's start, blocks one after another with numbers from 0 without gaps, why it ended, its stop.</summary>
/// <remarks>Clients put a message together by these numbers and fail at a gap. A block that begins while another is open closes it, which harms nobody.</remarks>
internal struct MessageOrder
{
    private bool _begun;
    private long _blocks;

    public MessageOrder() => Open = -1;

    /// <summary>Number of the open block; -1 when none is.</summary>
    public long Open { get; private set; }

    /// <summary>What the last block was, open or not.</summary>
    public ContentKind Block { get; private set; }

    /// <summary>The upstream has said why the answer ended.</summary>
    public bool HasReason { get; private set; }

    /// <summary>Nothing hangs on it, it can be left out: the stop of a block that is not open.</summary>
    public readonly bool IsIdle(scoped ref readonly MessageEvent item) => item.Kind == MessageEventKind.BlockStop && item.Index != Open;

    /// <summary>Takes note of an event.</summary>
    /// <returns>Why it cannot stand here, as a sentence; null when it can.</returns>
    public string? Admit(scoped ref readonly MessageEvent item)
    {
        if (item.Kind == MessageEventKind.MessageStart)
        {
            bool again = _begun;
            _begun = true;
            return again ? "A message began inside of another." : null;
        }
        if (!_begun)
            return "The stream did not begin with a message's start.";
        if (HasReason && item.Kind is MessageEventKind.BlockStart or MessageEventKind.BlockDelta)
            return "The message went on after its end.";
        switch (item.Kind)
        {
            case MessageEventKind.BlockStart when item.Index != _blocks:
                return $"Content block {item.Index} came where number {_blocks} was due.";
            case MessageEventKind.BlockStart:
                Open = _blocks++;
                Block = item.Block;
                return null;
            case MessageEventKind.BlockDelta when item.Index != Open || Open < 0:
                return $"A piece came of content block {item.Index}, which is not open.";
            case MessageEventKind.BlockStop:
                Open = -1;
                return null;
            case MessageEventKind.MessageDelta:
                HasReason |= item.StopReason.Length > 0;
                return null;
            default:
                return null;
        }
    }
}

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary>What becomes of a delimiter when a text is cut at it.</summary>
internal enum DelimiterBehavior
{
    /// <summary>Thrown away.</summary>
    Removed,

    /// <summary>A piece of its own.</summary>
    Isolated,

    /// <summary>The end of the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>The beginning of the piece behind it.</summary>
    MergedWithNext,

    /// <summary>A piece together with the delimiters next to it.</summary>
    Contiguous,
}

/// <summary>Cuts pieces at the delimiters found in them, as <c>NormalizedString::split</c> does.</summary>
/// <remarks>The parts must be given in order and cover the piece; <see cref="Finish"/> ends it.</remarks>
internal struct DelimiterCut(PieceList pieces, DelimiterBehavior behavior)
{
    private int _start = -1; // of the piece still open; -1: none
    private int _end;
    private bool _openIsMatch;
    private bool _previousWasMatch;

    /// <summary>The next part, which is a delimiter or the text between two.</summary>
    public void Part(int start, int end, bool isMatch)
    {
        switch (behavior)
        {
            case DelimiterBehavior.Removed:
                if (!isMatch)
                    pieces.Add(start, end);
                return;
            case DelimiterBehavior.Isolated:
                pieces.Add(start, end);
                return;
            case DelimiterBehavior.MergedWithPrevious:
                if (isMatch && !_previousWasMatch && _start >= 0)
                    _end = end;
                else
                    Open(start, end);
                break;
            case DelimiterBehavior.Contiguous:
                if (isMatch == _previousWasMatch && _start >= 0)
                    _end = end;
                else
                    Open(start, end);
                break;
            case DelimiterBehavior.MergedWithNext:
                // Of a row of delimiters only the last one joins what follows; each other stays alone.
                if (_start >= 0 && _openIsMatch && !isMatch)
                {
                    _end = end;
                    _openIsMatch = false;
                }
                else
                {
                    Open(start, end);
                    _openIsMatch = isMatch;
                }

                break;
        }

        _previousWasMatch = isMatch;
    }

    /// <summary>Closes the last piece.</summary>
    public readonly void Finish()
    {
        if (_start >= 0)
            pieces.Add(_start, _end);
    }

    private void Open(int start, int end)
    {
        Finish();
        _start = start;
        _end = end;
    }
}

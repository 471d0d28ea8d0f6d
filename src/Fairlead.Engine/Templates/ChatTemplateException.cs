namespace Fairlead.Engine.Templates;

/// <summary>A template could not be rendered for this conversation: the template refused it, asked for what is not there, or ran into a limit.</summary>
/// <remarks>
/// What a template says itself (<c>raise_exception</c>) stands word for word in <see cref="Reason"/> and is meant for whoever sent the
/// conversation; <see cref="ByTemplate"/> tells it from a mistake in the template.
/// </remarks>
public sealed class ChatTemplateException : Exception
{
    /// <summary>Ends rendering of <paramref name="file"/> at <paramref name="line"/> (from 1).</summary>
    public ChatTemplateException(string file, int line, string reason, bool byTemplate = false)
        : base($"{file}, line {line}: {reason}")
    {
        File = file;
        Line = line;
        Reason = reason;
        ByTemplate = byTemplate;
    }

    /// <summary>Name of the template as the caller gave it.</summary>
    public string File { get; }

    /// <summary>Line of the statement or expression that was evaluated, from 1.</summary>
    public int Line { get; }

    /// <summary>What went wrong, without file and line.</summary>
    public string Reason { get; }

    /// <summary>True where the template itself called <c>raise_exception</c>: the conversation is at fault, not the template.</summary>
    public bool ByTemplate { get; }
}

/// <summary>The same while it is on its way up: whoever throws it knows the reason, the <see cref="Renderer"/> knows the line.</summary>
internal sealed class TemplateFault(string reason, bool byTemplate = false) : Exception(reason)
{
    public bool ByTemplate { get; } = byTemplate;
}

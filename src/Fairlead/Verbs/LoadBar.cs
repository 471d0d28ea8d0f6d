using System.Globalization;
using Fairlead.Api;
using Fairlead.Gateway.Settings;

namespace Fairlead.Verbs;

/// <summary>How far a load has come: one line that is drawn again on a terminal, a new line for each stage and each ten per cent elsewhere.</summary>
/// <param name="output">Standard error.</param>
/// <param name="redraws">Whether it is a terminal that a person looks at.</param>
internal sealed class LoadBar(TextWriter output, bool redraws)
{
    /// <summary>How often a load is looked at.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(200);

    private const int Width = 20;
    private string? _last;

    /// <summary>Draws what is new.</summary>
    public void Show(LocalModelView model)
    {
        string line = Line(model, redraws);
        string mark = redraws ? line : $"{model.State} {Math.Floor((model.Progress ?? 0) * 10)}";
        if (mark == _last)
            return;
        _last = mark;
        if (redraws)
            output.Write("\r\x1b[K" + line);
        else
            output.WriteLine(line);
        output.Flush();
    }

    /// <summary>Leaves the line to what comes next.</summary>
    public void Clear()
    {
        if (redraws && _last is not null)
            output.Write("\r\x1b[K");
        _last = null;
    }

    /// <summary>As <c>local/qwen  [############········]  loading 62 %, about 3 s</c>.</summary>
    internal static string Line(LocalModelView model, bool drawn)
    {
        string about = model.ReadyInSeconds > 0 ? $", about {Spans.Text(model.ReadyInSeconds)}" : "";
        string stage = model.State switch
        {
            "queued" when model.MemoryBytes is { } bytes => $"waits for {Quantities.Size(bytes)} of memory{about}",
            "queued" => "starting",
            "loading" => string.Create(CultureInfo.InvariantCulture, $"loading {Math.Floor((model.Progress ?? 0) * 100):0} %{about}"),
            var other => other,
        };
        int full = (int)Math.Floor((model.Progress ?? (model.State == "ready" ? 1 : 0)) * Width);
        return Terminal.Safe(drawn ? $"{model.Name}  [{new string('#', full)}{new string('.', Width - full)}]  {stage}" : $"{model.Name}: {stage}");
    }
}

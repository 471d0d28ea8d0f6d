using System.Collections.Concurrent;
using Fairlead.Shared;

namespace Fairlead.Conformance;

/// <summary>The way past the gateway on which a client's script asks the provider what it has heard, and tells it to go on. A clock in its place would tell how busy the machine is.</summary>
internal static class ProvidersDoor
{
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> LetGo = new(StringComparer.Ordinal);

    /// <summary>Answers <c>GET /asked?MARK</c> with whether a request that holds the mark has come, and <c>GET /go?MARK</c> when its answer may go on; the script has all else.</summary>
    public static Task AnswerAsync(ScriptedUpstream provider, ScriptedRequest request, ScriptedReply reply, Func<ScriptedRequest, ScriptedReply, Task> script)
    {
        if (request.Method != "GET" || request.Path.Split('?') is not [var path, { Length: > 0 } mark])
            return script(request, reply);
        switch (path)
        {
            case "/asked":
                return reply.JsonAsync(provider.Requests.Any(r => r.Body.Contains(mark, StringComparison.Ordinal)) ? "true" : "false");
            case "/go":
                GoOf(mark).TrySetResult();
                return reply.JsonAsync("true");
            default:
                return script(request, reply);
        }
    }

    /// <summary>Waits until the script lets the answer go on whose words end with a mark and a full stop.</summary>
    public static Task UntilLetGoAsync(string words) => GoOf(words.Split(' ')[^1].TrimEnd('.')).Task;

    private static TaskCompletionSource GoOf(string mark) => LetGo.GetOrAdd(mark, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}

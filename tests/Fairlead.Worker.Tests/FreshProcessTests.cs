using System.Text;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>What a worker still has to compile when its model is ready, by the runtime's own list of what it has compiled (docs/decisions/0018-rehearsed-while-it-loads.md).</summary>
public sealed class FreshProcessTests
{
    /// <summary>What runs for every token: layers and kernels. (Compiled once more and better, <c>Tier1</c>, it is later, behind the answers.)</summary>
    private static readonly string[] s_steps = ["Fairlead.Engine.Kernels.", "Fairlead.Engine.Layers.", "Fairlead.Engine.Architectures.DecoderBlock:", "Fairlead.Engine.Architectures.Encoders.", "Fairlead.Engine.Tensors."];

    /// <summary>What an encoder's first text runs beside that: the passes, the tokenizer, and both ends of the door.</summary>
    private static readonly string[] s_embedding =
    [
        "Fairlead.Engine.Embeddings.EmbeddingLoop:Step", "Fairlead.Engine.Embeddings.EncoderPasses:", "Fairlead.Engine.Embeddings.Pooling:",
        "Fairlead.Engine.Tokenizers.Tokenizer:", "Fairlead.Engine.Tokenizers.Normalizers.", "Fairlead.Engine.Tokenizers.PreTokenizers.", "Fairlead.Engine.Tokenizers.Models.",
        "Fairlead.Worker.Requests.EmbeddingRequest:Read", "Fairlead.Worker.EmbeddingAnswer:Write",
    ];

    private static readonly CancellationToken Never = CancellationToken.None;

    public static TheoryData<string> Models => ["guide", "llama", "gemma3", "qwen3-moe", "gpt2"];

    [Theory]
    [MemberData(nameof(Models))]
    public async Task A_first_answer_waits_for_no_kernel_and_no_layer_to_be_compiled(string model)
    {
        string question = """{"prompt":[20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40],"max_tokens":4}""";
        (string[] before, string[] after) = await CompiledAsync(model == "guide" ? RunningWorker.Guide : RunningWorker.Golden(model), "1", "/v1/completions", question, "CompleteAsync");
        Assert.True(before.Count(IsStep) > 50, "the list has no steps before the question, so it would have none after it");
        Assert.DoesNotContain(after, IsStep);
        // The door was asked as well: what finds a route is made for the first request.
        Assert.Contains(before, IsRouting);
        Assert.DoesNotContain(after, IsRouting);
    }

    [Theory]
    [InlineData("bert", "1")]
    [InlineData("bert", "2")]
    [InlineData("mpnet", "1")]
    public async Task A_first_vector_waits_for_no_kernel_no_layer_and_no_tokenizer_to_be_compiled(string model, string threads)
    {
        (string[] before, string[] after) = await CompiledAsync(RunningWorker.Golden(model), threads, "/v1/embeddings", """{"input":["the router loads the prompt when idle","one"]}""", "EmbedAsync");
        Assert.True(before.Count(IsStep) > 50, "the list has no steps before the question, so it would have none after it");
        Assert.DoesNotContain(after, IsStep);
        foreach (string part in s_embedding)
            Assert.Contains(before, line => Begins(line, part));
        Assert.DoesNotContain(after, static line => s_embedding.Any(part => Begins(line, part)));
        Assert.DoesNotContain(after, IsRouting);
    }

    /// <summary>What the runtime compiled of a worker's code before somebody asked, and from then on.</summary>
    /// <param name="route">The method behind the route, which nobody has asked before.</param>
    private static async Task<(string[] Before, string[] After)> CompiledAsync(string path, string threads, string url, string question, string route)
    {
        using var folder = new TempFolder();
        var told = new Dictionary<string, string> { ["DOTNET_JitStdOutFile"] = folder["compiled"], ["DOTNET_JitDisasmSummary"] = "1" };
        using var worker = new WorkerBinary(path, told, "--threads", threads);
        Assert.True(worker.Load().IsReady);
        using HttpResponseMessage answer = await worker.Http.PostAsync(url, new StringContent(question, Encoding.UTF8, "application/json"), Never);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Never));
        worker.Stop();
        await worker.EndAsync();

        string[] compiled = [.. File.ReadLines(folder["compiled"]).Where(static line => !line.Contains("[Tier1", StringComparison.Ordinal))];
        int asked = Array.FindIndex(compiled, line => line.Contains($"Fairlead.Worker.ModelDoor+<{route}>", StringComparison.Ordinal));
        Assert.True(asked > 0, string.Join('\n', compiled.TakeLast(20)));
        return (compiled[..asked], compiled[asked..]);
    }

    private static bool IsRouting(string line) => line.Contains("Microsoft.AspNetCore.Routing.Matching.DfaMatcherBuilder", StringComparison.Ordinal);

    private static bool IsStep(string line) => s_steps.Any(step => Begins(line, step));

    /// <summary>Whether a line, <c>12: JIT compiled NAMESPACE.TYPE:METHOD(…) [TIER, …]</c>, is about a method whose name begins so.</summary>
    private static bool Begins(string line, string name)
    {
        const string Before = "JIT compiled ";
        int at = line.IndexOf(Before, StringComparison.Ordinal);
        return at >= 0 && line.AsSpan(at + Before.Length).StartsWith(name, StringComparison.Ordinal);
    }
}

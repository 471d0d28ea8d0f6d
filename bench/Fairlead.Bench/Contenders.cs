using System.Diagnostics;

namespace Fairlead.Bench;

/// <summary>The proxies that are compared, each as its own documentation starts it. One that is not installed is left out and named.</summary>
internal static class Contenders
{
    private const string ChatPath = "/v1/chat/completions";

    public static IEnumerable<Contender> Make(string folder, int upstream, string fairlead, string? portkey)
    {
        if (Installed("nginx"))
            yield return Nginx(folder, upstream, 18081);
        if (Installed("haproxy"))
            yield return HaProxy(folder, upstream, 18082);
        if (portkey is not null)
            yield return Portkey(portkey, upstream, 18083);
        yield return Fairlead(folder, upstream, fairlead, 18084, strict: false);
        yield return Fairlead(folder, upstream, fairlead, 18085, strict: true);
    }

    private static Contender Nginx(string folder, int upstream, int port)
    {
        string config = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(config, $$"""
            daemon off; worker_processes 1; pid {{folder}}/nginx.pid; error_log {{folder}}/nginx.log;
            events { worker_connections 4096; }
            http {
              access_log off; client_body_buffer_size 256k; client_max_body_size 20m;
              upstream u { server 127.0.0.1:{{upstream}}; keepalive 256; }
              server { listen 127.0.0.1:{{port}} backlog=2048; keepalive_requests 100000000;
                location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }
            }
            """);
        return new Contender("nginx", port, ChatPath, [], () => new ProcessStartInfo("nginx", ["-c", config]));
    }

    private static Contender HaProxy(string folder, int upstream, int port)
    {
        string config = Path.Combine(folder, "haproxy.cfg");
        File.WriteAllText(config, $"""
            global
              nbthread 1
              maxconn 4096
            defaults
              mode http
              timeout connect 5s
              timeout client 600s
              timeout server 600s
              option http-keep-alive
            frontend f
              bind 127.0.0.1:{port}
              default_backend b
            backend b
              http-reuse always
              server s 127.0.0.1:{upstream}

            """);
        return new Contender("HAProxy", port, ChatPath, [], () => new ProcessStartInfo("haproxy", ["-f", config]));
    }

    private static Contender Portkey(string script, int upstream, int port) => new(
        "Portkey", port, ChatPath,
        ["x-portkey-provider: openai", $"x-portkey-custom-host: http://127.0.0.1:{upstream}/v1", "Authorization: Bearer bench"],
        () => new ProcessStartInfo("node", [script, $"--port={port}", "--headless"]));

    private static Contender Fairlead(string folder, int upstream, string binary, int port, bool strict)
    {
        string name = strict ? "Fairlead, strict" : "Fairlead";
        string data = Path.Combine(folder, strict ? "strict" : "default");
        string config = Path.Combine(folder, strict ? "strict.yaml" : "default.yaml");
        string models = string.Concat(new[] { "json", "sse0", "sse5", "idle" }.Select(
            static m => $"      bench-{m}: {{ input: 0.20, output: 0.60, context: 128k }}\n"));
        File.WriteAllText(config, $"""
            listen: 127.0.0.1:{port}
            data: {data}
            discover: false
            journal:
              strict: {(strict ? "true" : "false")}
            keys:
              bench: {"{ budget: $1000000/day, rate: 100000000/min }"}
            providers:
              bench:
                dialect: openai
                url: http://127.0.0.1:{upstream}/v1
                models:
            {models}
              bench-anthropic:
                dialect: anthropic
                url: http://127.0.0.1:{upstream}
                models:
                  bench-messages: {"{ input: 0.20, output: 0.60, context: 128k }"}
            """);
        Directory.CreateDirectory(data);
        // The key is made by a first start, so that the timed one finds it; both are the product's own verbs.
        string key = FirstKey(binary, config, data);
        return new Contender(name, port, ChatPath, [$"Authorization: Bearer {key}"], () => new ProcessStartInfo(binary, ["serve", "--config", config]));
    }

    private static string FirstKey(string binary, string config, string data)
    {
        string file = Path.Combine(data, "keys", "bench");
        using var process = Process.Start(new ProcessStartInfo(binary, ["serve", "--config", config]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        long began = Stopwatch.GetTimestamp();
        while (!File.Exists(file))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(20))
                throw new InvalidOperationException("fairlead serve made no key: " + process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd());
            Thread.Sleep(20);
        }
        process.Kill();
        process.WaitForExit();
        return File.ReadAllText(file).Trim();
    }

    private static bool Installed(string command) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Append("/usr/sbin").Any(folder => File.Exists(Path.Combine(folder, command)));
}

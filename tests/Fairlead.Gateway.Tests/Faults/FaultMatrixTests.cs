using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Faults;

/// <summary>The fault table, row by row: each fault × streaming or not × one or two candidates, over real sockets.</summary>
public sealed class FaultMatrixTests : IClassFixture<FaultMatrixTests.Yards>
{
    private readonly Yards _yards;

    public FaultMatrixTests(Yards yards) => _yards = yards;

    /// <summary>A fault before the commit point and what it promises.</summary>
    /// <param name="Row">Row of docs/faults.md and a word.</param>
    /// <param name="Script">What the upstream does.</param>
    /// <param name="Status">What the caller gets with one candidate.</param>
    /// <param name="Code">The error's code.</param>
    /// <param name="TryNext">Whether a second candidate is asked.</param>
    /// <param name="Arrivals">How often the upstream sees the request with one candidate.</param>
    internal sealed record Fault(string Row, FaultWall.Script? Script, int Status, string Code, bool TryNext = true, int Arrivals = 1);

    private static readonly byte[] HugeHeaders = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Range(0, 900).Select(static i => $"x-h{i}: {new string('a', 90)}\r\n")) + "\r\n");

    internal static readonly Fault[] All =
    [
        new("U-01 refused", null, 502, "upstream_connect"),
        new("U-05 reset", Scripts.Reset, 502, "upstream_reset"),
        new("U-06 closed", Scripts.Close, 502, "upstream_reset"),
        new("U-07 no headers", Scripts.Silence, 504, "upstream_header_stall"),
        new("U-08 no event", async (c, stop) => { await c.SendAsync(c.Streams ? Scripts.Sse : "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"); await c.UntilClosedAsync(stop); }, 504, "upstream_first_event_stall"),
        new("U-09 429 long wait", Scripts.Status(429, "{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}", "retry-after: 40\r\n"), 429, "upstream_rate_limited"),
        new("U-10 429", Scripts.Status(429, "{\"error\":{\"message\":\"slow down\"}}"), 429, "upstream_rate_limited", Arrivals: 2),
        new("U-11 401", Scripts.Status(401, "{\"error\":\"Unauthorized\"}"), 502, "upstream_credential"),
        new("U-11 401 empty", Scripts.Status(401, "", type: "text/plain"), 502, "upstream_credential"),
        new("U-12 402", Scripts.Status(402, "{\"error\":\"You have exceeded your monthly included credits\"}"), 502, "upstream_quota"),
        new("U-12 insufficient_quota", Scripts.Status(429, "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"), 502, "upstream_quota"),
        new("U-13 400", Scripts.Status(400, "{\"error\":{\"message\":\"temperature is too hot\",\"type\":\"invalid_request_error\"}}"), 400, "upstream_refused_request", TryNext: false),
        new("U-13 422", Scripts.Status(422, "{\"detail\":[{\"loc\":[\"body\",\"foo\"],\"msg\":\"bad\",\"type\":\"x\"}]}"), 422, "upstream_refused_request", TryNext: false),
        new("U-13 413", Scripts.Status(413, "{\"error\":{\"message\":\"too big\"}}"), 413, "upstream_refused_request", TryNext: false),
        new("U-13 context", Scripts.Status(400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":\"context_length_exceeded\"}}"), 400, "context_length_exceeded", TryNext: false), // the other window is no larger
        new("U-14 404", Scripts.Status(404, "{\"error\":{\"message\":\"The model `x` does not exist\",\"code\":\"model_not_found\"}}"), 502, "upstream_model_not_found"),
        new("U-14 410", Scripts.Status(410, "{\"error\":\"The requested model is deprecated\"}"), 410, "upstream_gone"),
        new("U-14 decommissioned", Scripts.Status(400, "{\"error\":{\"message\":\"The model has been decommissioned\",\"code\":\"model_decommissioned\"}}"), 410, "upstream_gone"),
        new("U-15 409", Scripts.Status(409, "{\"error\":{\"message\":\"conflict\"}}"), 503, "upstream_conflict", Arrivals: 2),
        new("U-16 500", Scripts.Status(500, "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}"), 502, "upstream_status"),
        new("U-17 503", Scripts.Status(503, "{\"error\":{\"message\":\"server busy\"}}"), 503, "overloaded_upstream", Arrivals: 2),
        new("U-17 502 html", Scripts.Status(502, "<html><head><title>502 Bad Gateway</title></head></html>", type: "text/html"), 503, "overloaded_upstream", Arrivals: 2),
        new("U-17 529", Scripts.Status(529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"), 503, "overloaded_upstream", Arrivals: 2),
        new("U-18 html", Scripts.Status(200, "<html><body>login</body></html>", type: "text/html"), 502, "upstream_malformed"),
        new("U-18 empty", Scripts.Status(200, ""), 502, "upstream_malformed"),
        new("U-18 null", Scripts.Status(200, "null"), 502, "upstream_malformed"),
        new("U-18 half", Scripts.Raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":\"c1\","), 502, "upstream_truncated"),
        new("U-19 error in 200", Scripts.Status(200, "{\"error\":{\"message\":\"upstream exploded\",\"type\":\"server_error\",\"code\":500}}"), 502, "upstream_status"),
        new("U-27 redirect", Scripts.Status(302, "", "location: http://169.254.169.254/\r\n"), 502, "upstream_redirected"),
        new("U-28 1xx flood", Scripts.Raw(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", 30)), close: false), 502, "upstream_malformed"),
        new("U-29 headers", async (c, stop) => { await c.SendAsync(HugeHeaders); await c.UntilClosedAsync(stop); }, 502, "upstream_malformed"),
    ];

    public static TheoryData<string, bool, int> Cells()
    {
        var cells = new TheoryData<string, bool, int>();
        foreach (Fault fault in All)
        {
            foreach (bool stream in (ReadOnlySpan<bool>)[false, true])
            {
                cells.Add(fault.Row, stream, 1);
                cells.Add(fault.Row, stream, 2);
            }
        }
        return cells;
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task A_fault_before_the_commit_point_has_its_promised_outcome(string row, bool stream, int candidates)
    {
        Fault fault = All.Single(f => f.Row == row);
        string model = Yards.ModelOf(fault, stream, candidates);
        Answer answer = await _yards.Gateway.ChatAsync("acme/" + model, stream, ",\"provider\":{\"order\":[\"" + Yards.ProviderOf(fault, stream, candidates) + "\"]}");

        if (candidates == 2 && fault.TryNext)
        {
            Assert.Equal(200, answer.Status);
            Assert.Equal("Hi there", answer.Content);
            Assert.Equal("spare", answer.Header("x-fairlead-provider"));
            Assert.Equal("2", answer.Header("x-fairlead-attempts"));
            if (fault.Script is not null)
                Assert.Equal(1, _yards.Wall.Arrivals(model));
            JsonElement served = await _yards.Gateway.RecordAsync(answer);
            Assert.Equal("ok", served.GetProperty("end_reason").GetString());
            Assert.Equal(6_400, served.GetProperty("cost_nano_usd").GetInt64());
            return;
        }
        Assert.Equal((fault.Status, fault.Code), (answer.Status, answer.ErrorCode));
        Assert.Equal("application/json", answer.Header("content-type"));
        JsonElement error = answer.Json.GetProperty("error");
        Assert.InRange(error.GetProperty("message").GetString()!.Length, 20, 300);
        Assert.True(error.TryGetProperty("type", out _) && error.TryGetProperty("param", out _));
        if (fault.Script is not null)
            Assert.Equal(fault.Arrivals, _yards.Wall.Arrivals(model));
        JsonElement record = await _yards.Gateway.RecordAsync(answer);
        Assert.Equal(0, record.GetProperty("cost_nano_usd").GetInt64());
        Assert.Equal(fault.Code, record.GetProperty("problem_code").GetString());
        if (fault.Script is not null)
            Assert.Equal(fault.Arrivals, record.GetProperty("attempts").GetArrayLength());
    }

    /// <summary>One wall and one gateway for all cells; each cell has a provider and a model of its own, so no breaker of one is seen by another.</summary>
    public sealed class Yards : IAsyncLifetime
    {
        internal FaultWall Wall { get; } = new();
        internal GatewayYard Gateway { get; private set; } = null!;

        internal static string ModelOf(Fault fault, bool stream, int candidates) => $"m-{Array.IndexOf(All, fault)}-{(stream ? "s" : "w")}-{candidates}";

        internal static string ProviderOf(Fault fault, bool stream, int candidates) => $"p-{Array.IndexOf(All, fault)}-{(stream ? "s" : "w")}-{candidates}";

        public async ValueTask InitializeAsync()
        {
            var providers = new List<ProviderSettings>();
            var spare = new FaultWall();
            var spareModels = new List<string>();
            foreach (Fault fault in All)
            {
                foreach (bool stream in (bool[])[false, true])
                {
                    foreach (int candidates in (int[])[1, 2])
                    {
                        string model = ModelOf(fault, stream, candidates);
                        if (fault.Script is not null)
                            Wall.On(model, fault.Script);
                        providers.Add(GatewayYard.Provider(ProviderOf(fault, stream, candidates), fault.Script is null ? "http://127.0.0.1:1/v1" : Wall.Url, model));
                        if (candidates == 2)
                        {
                            spareModels.Add(model);
                            spare.On(model, Scripts.Good());
                        }
                    }
                }
            }
            providers.Add(GatewayYard.Provider("spare", spare.Url, [.. spareModels]));
            Gateway = await GatewayYard.StartAsync(providers);
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await Wall.DisposeAsync();
        }
    }
}

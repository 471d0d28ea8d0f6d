using System.Text;
using Fairlead.Domain.Fleet;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Dispatch;
using Fairlead.Upstreams;
using Fairlead.Yard;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Tests.Dispatch;

/// <summary>What a streaming caller hears while nothing comes.</summary>
public sealed class CallerStreamTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly MemoryStream _sent = new();
    private readonly DefaultHttpContext _http = new();

    public CallerStreamTests() => _http.Response.Body = _sent;

    public void Dispose() => _sent.Dispose();

    private string Sent => Encoding.UTF8.GetString(_sent.ToArray());

    [Fact]
    public async Task A_wait_is_told_after_a_quarter_of_a_second_and_then_each_second_until_it_is_over()
    {
        await using CallerStream stream = Stream();
        PlaceWait place = Place(stream);
        place.Tell(Status(ModelState.Queued, 5), ahead: 3);
        _clock.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(stream.HasBegun);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(": queued, 3 ahead, about 5 s\n\n", Sent);
        Assert.Equal("text/event-stream; charset=utf-8", _http.Response.Headers.ContentType);
        place.Tell(Status(ModelState.Loading, 2.2, 0.629), ahead: 0);
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.DoesNotContain("loading", Sent, StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(": queued, 3 ahead, about 5 s\n\n: loading 62 %, about 3 s\n\n", Sent);
        place.Got(_clock.GetTimestamp(), wasCold: true);
        _clock.Advance(TimeSpan.FromSeconds(14));
        Assert.EndsWith("about 3 s\n\n", Sent, StringComparison.Ordinal); // it has its place; what comes now is an answer, or the heartbeat
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.EndsWith(": keep-alive\n\n", Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_waits_for_less_than_a_moment_hears_nothing_and_can_still_be_refused_with_a_status()
    {
        await using CallerStream stream = Stream();
        PlaceWait place = Place(stream);
        place.Tell(Status(ModelState.Loading, 0.1, 0.9), ahead: 0);
        _clock.Advance(TimeSpan.FromMilliseconds(200));
        place.Refused(wasCold: true);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(stream.HasBegun);
        Assert.Empty(Sent);
    }

    [Fact]
    public async Task News_that_comes_when_the_wait_is_over_wakes_nothing()
    {
        await using CallerStream stream = Stream();
        PlaceWait place = Place(stream);
        place.Got(_clock.GetTimestamp(), wasCold: false);
        place.Tell(Status(ModelState.Loading, 3, 0.5), ahead: 0);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(Sent);
        Assert.Null(place.Status);
    }

    [Theory]
    [InlineData(Dialect.OpenAi, ": keep-alive\n\n")]
    [InlineData(Dialect.Anthropic, "event: ping\ndata: {\"type\": \"ping\"}\n\n")]
    public async Task Silence_is_a_comment_before_the_first_event_and_after_it_what_the_dialect_has_for_it(Dialect door, string beat)
    {
        await using CallerStream stream = Stream(door);
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(": keep-alive\n\n", Sent);
        await stream.WriteAsync("event: message_start\ndata: {}\n\n"u8.ToArray(), CancellationToken.None);
        string begun = Sent;
        _clock.Advance(TimeSpan.FromSeconds(14));
        Assert.Equal(begun, Sent); // every interval of silence, not of time
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(begun + beat, Sent);
        await stream.WriteAsync("event: content_block_stop\ndata: {}\n\n"u8.ToArray(), CancellationToken.None);
        Assert.EndsWith("content_block_stop\ndata: {}\n\n", Sent, StringComparison.Ordinal);
    }

    private CallerStream Stream(Dialect door = Dialect.OpenAi) => new(_http.Response, static _ => { }, door, TimeSpan.FromSeconds(15), _clock, CancellationToken.None);

    private static PlaceWait Place(CallerStream stream)
    {
        PlaceWait? place = null;
        return place = new PlaceWait(TimeSpan.FromSeconds(300), mayLoad: true) { Began = () => stream.BeginWaiting(place!.Words), Ended = stream.EndWaiting };
    }

    private static ModelStatus Status(ModelState state, double readyIn, double? share = null) => new("local/qwen", state) { ReadyIn = TimeSpan.FromSeconds(readyIn), Share = share };
}

using System.Net;
using System.Net.Sockets;
using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.Tests.Http;

public sealed class NameCacheTests
{
    private static readonly IPAddress Old = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress New = IPAddress.Parse("192.0.2.2");

    [Fact]
    public async Task A_changed_name_is_seen_within_a_minute_and_its_old_address_given_up_within_two()
    {
        var time = new HandClock();
        IPAddress answer = Old;
        var names = new NameCache(time, (_, _) => Task.FromResult<IPAddress[]>([answer]));
        Assert.Equal([Old], await names.ResolveAsync("a.test", default));
        answer = New;
        time.Pass(29);
        Assert.Equal([Old], await names.ResolveAsync("a.test", default));
        time.Pass(2);
        Assert.Equal([New], await names.ResolveAsync("a.test", default));
        Assert.True(names.StillNamed("a.test", Old));
        time.Pass(31);
        await names.ResolveAsync("a.test", default);
        Assert.False(names.StillNamed("a.test", Old));
        Assert.True(names.StillNamed("a.test", New));
    }

    [Fact]
    public async Task The_last_good_answer_serves_for_five_minutes_when_the_name_service_fails()
    {
        var time = new HandClock();
        bool down = false;
        var names = new NameCache(time, (_, _) => down
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.TryAgain))
            : Task.FromResult<IPAddress[]>([Old]));
        await names.ResolveAsync("a.test", default);
        down = true;
        time.Pass(299);
        Assert.Equal([Old], await names.ResolveAsync("a.test", default));
        time.Pass(2);
        await Assert.ThrowsAsync<SocketException>(async () => await names.ResolveAsync("a.test", default));
        Assert.Equal([IPAddress.Loopback], await names.ResolveAsync("127.0.0.1", default));
    }

    private sealed class HandClock : TimeProvider
    {
        private long _seconds = 1000;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds;

        public void Pass(int seconds) => _seconds += seconds;
    }
}

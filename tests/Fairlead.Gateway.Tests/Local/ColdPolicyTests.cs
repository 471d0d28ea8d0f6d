using Fairlead.Domain.Problems;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Settings;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>What the headers, the key and the server together say about waiting for a model that is not loaded.</summary>
public sealed class ColdPolicyTests
{
    private static readonly FleetSettings Waits = new(), DoesNot = new() { WaitForModel = false };

    [Theory]
    [InlineData("", null, true, 300, true)]
    [InlineData("", null, false, 0, true)]
    [InlineData("", false, true, 0, true)]
    [InlineData("", true, false, 300, true)]
    [InlineData("x-wait-for-model=true", false, false, 300, true)]
    [InlineData("x-wait-for-model=1", null, false, 300, true)]
    [InlineData("x-wait-for-model=FALSE", true, true, 0, true)]
    [InlineData("x-wait-for-model=0", null, true, 0, true)]
    [InlineData("x-fairlead-hold=2.5", false, false, 2.5, true)] // who says how long says that it waits
    [InlineData("x-fairlead-hold=0", true, true, 0, true)]
    [InlineData("x-scale-up-timeout=30", null, false, 30, true)]
    [InlineData("x-scale-up-timeout=30;x-fairlead-hold=5", null, true, 5, true)]
    [InlineData("x-scale-up-timeout=3;x-fairlead-hold=5", null, true, 3, true)]
    [InlineData("x-fairlead-hold=3600", null, true, 300, true)] // nobody waits longer than fleet.queue_wait
    [InlineData("x-wait-for-model=true;x-fairlead-hold=7", null, true, 7, true)]
    [InlineData("x-wait-for-model=false;x-fairlead-hold=0", null, true, 0, true)]
    [InlineData("x-load-model=0", null, true, 300, false)]
    [InlineData("x-load-model=false;x-wait-for-model=false", null, true, 0, false)]
    [InlineData("x-load-model=1;x-use-cache=false", null, true, 300, true)]
    [InlineData("x-use-cache=true", null, true, 300, true)]
    public void The_header_wins_over_the_key_and_the_key_over_the_server(string headers, bool? key, bool server, double patience, bool mayLoad)
    {
        Assert.Null(ColdPolicy.Read(Headers(headers), key, server ? Waits : DoesNot, out ColdPolicy policy));
        Assert.Equal(new ColdPolicy(TimeSpan.FromSeconds(patience), mayLoad), policy);
    }

    [Theory]
    [InlineData("x-wait-for-model=yes", "x-wait-for-model")]
    [InlineData("x-wait-for-model=", "x-wait-for-model")]
    [InlineData("x-wait-for-model=true,false", "x-wait-for-model")]
    [InlineData("x-load-model=2", "x-load-model")]
    [InlineData("x-use-cache=no", "x-use-cache")]
    [InlineData("x-fairlead-hold=-1", "x-fairlead-hold")]
    [InlineData("x-fairlead-hold=soon", "x-fairlead-hold")]
    [InlineData("x-fairlead-hold=NaN", "x-fairlead-hold")]
    [InlineData("x-fairlead-hold=Infinity", "x-fairlead-hold")]
    [InlineData("x-fairlead-hold=1e3", "x-fairlead-hold")]
    [InlineData("x-fairlead-hold=3601", "x-fairlead-hold")]
    [InlineData("x-scale-up-timeout=10s", "x-scale-up-timeout")]
    [InlineData("x-wait-for-model=false;x-fairlead-hold=5", "x-wait-for-model")] // the two contradict each other
    [InlineData("x-wait-for-model=true;x-fairlead-hold=0", "x-wait-for-model")]
    public void A_value_that_means_nothing_is_refused_by_its_headers_name(string headers, string name)
    {
        Problem problem = ColdPolicy.Read(Headers(headers), null, Waits, out _)!;
        Assert.Equal((ProblemKind.FieldInvalid, name), (problem.Kind, problem.Param));
        Assert.Contains(name, problem.Message, StringComparison.Ordinal);
    }

    private static HeaderDictionary Headers(string text)
    {
        var headers = new HeaderDictionary();
        foreach (string pair in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
            headers[pair.Split('=')[0]] = pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..];
        return headers;
    }
}

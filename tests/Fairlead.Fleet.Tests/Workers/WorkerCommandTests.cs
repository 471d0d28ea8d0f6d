using Fairlead.Fleet.Packs;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>What our own worker is told on its command line.</summary>
public sealed class WorkerCommandTests
{
    [Fact]
    public void Every_setting_of_a_worker_is_an_option_of_its_own()
    {
        var spec = new WorkerSpec
        {
            Model = "local/m", Source = "/srv/m", Context = 512, Slots = 2, Threads = 3, Quantize = "q4_k", Kv = "q8_0", Stall = TimeSpan.FromMilliseconds(12.5),
        };
        Assert.Equal(
            ["worker", "--model", "/srv/m", "--socket", "/w/1.sock", "--name", "local/m", "--ctx", "512", "--slots", "2", "--threads", "3", "--quantize", "q4_k", "--kv", "q8_0", "--stall", "12.5ms",
                "--packs", "/d/packs/0/packed", "--packs-limit", "1073741824"],
            new WorkerCommand("/p", ["worker"]).LineFor(spec, "/w/1.sock", new PackPlace("/d/packs/0/packed", 1L << 30)));
    }
}

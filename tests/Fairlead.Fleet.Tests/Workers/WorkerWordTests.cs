using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>Lines of a worker's standard output: which are words to us, and which are its log.</summary>
public sealed class WorkerWordTests
{
    [Fact]
    public void Each_word_is_understood()
    {
        Assert.Equal(new WorkerWord.Ready(), WorkerWord.Of("ready"));
        Assert.Equal(new WorkerWord.Kept(), WorkerWord.Of("kept"));
        Assert.Equal(new WorkerWord.Progress(0.62), WorkerWord.Of("progress 0.62"));
        Assert.Equal(new WorkerWord.Needs("{}"), WorkerWord.Of("needs {}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Ready")]
    [InlineData("ready.")]
    [InlineData("progress")]
    [InlineData("progress 62 %")]
    [InlineData("progress 0,62x")]
    [InlineData("needs")]
    public void What_is_nearly_a_word_is_its_log(string line) => Assert.Null(WorkerWord.Of(line));
}

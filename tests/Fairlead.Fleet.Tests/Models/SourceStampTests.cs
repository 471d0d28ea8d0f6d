using Fairlead.Fleet.Models;
using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Models;

/// <summary>What is seen of a model's files without reading them.</summary>
public sealed class SourceStampTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void A_load_reads_the_weights_of_a_folder_and_not_what_lies_beside_them()
    {
        Write("model-00001-of-00002.safetensors", 1_000);
        Write("model-00002-of-00002.safetensors", 500);
        Write("tokenizer.json", 77);
        Assert.Equal(1_500, SourceStamp.Of(_folder.Path).Bytes);
    }

    [Fact]
    public void Another_size_another_time_a_new_and_a_missing_file_are_all_seen()
    {
        Write("model.safetensors", 1_000);
        Write("1_Pooling/config.json", 10);
        SourceStamp first = SourceStamp.Of(_folder.Path);
        Assert.Equal(first, SourceStamp.Of(_folder.Path));
        var seen = new HashSet<SourceStamp> { first };
        Write("model.safetensors", 1_001);
        Assert.True(seen.Add(SourceStamp.Of(_folder.Path)));
        File.SetLastWriteTimeUtc(_folder["model.safetensors"], new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.True(seen.Add(SourceStamp.Of(_folder.Path)));
        File.Delete(_folder["1_Pooling/config.json"]);
        Assert.True(seen.Add(SourceStamp.Of(_folder.Path)));
        Write("added.json", 1);
        Assert.True(seen.Add(SourceStamp.Of(_folder.Path)));
    }

    [Fact]
    public void A_link_is_as_large_as_what_it_leads_to_and_another_when_it_leads_elsewhere()
    {
        Write("blobs/one", 1_000);
        Write("blobs/two", 1_000);
        Directory.CreateDirectory(_folder["snapshot"]);
        File.CreateSymbolicLink(_folder["snapshot/model.gguf"], _folder["blobs/one"]);
        SourceStamp first = SourceStamp.Of(_folder["snapshot"]);
        Assert.Equal(1_000, first.Bytes);
        Assert.Equal(1_000, SourceStamp.Of(_folder["snapshot/model.gguf"]).Bytes);
        File.SetLastWriteTimeUtc(_folder["blobs/two"], File.GetLastWriteTimeUtc(_folder["blobs/one"]));
        File.Delete(_folder["snapshot/model.gguf"]);
        File.CreateSymbolicLink(_folder["snapshot/model.gguf"], _folder["blobs/two"]);
        Assert.NotEqual(first, SourceStamp.Of(_folder["snapshot"]));
    }

    [Fact]
    public void What_guesses_for_a_model_is_loaded_with_it_and_seen_with_it()
    {
        Write("model.gguf", 1_000);
        Write("draft.gguf", 10);
        var spec = new WorkerSpec { Model = "local/m", Source = _folder["model.gguf"] };
        Assert.Equal(SourceStamp.Of(_folder["model.gguf"]), SourceStamp.Of(spec));
        SourceStamp both = SourceStamp.Of(spec with { Draft = _folder["draft.gguf"] });
        Assert.Equal(1_010, both.Bytes);
        Write("draft.gguf", 11);
        Assert.NotEqual(both.Print, SourceStamp.Of(spec with { Draft = _folder["draft.gguf"] }).Print);
    }

    [Theory]
    [InlineData("")]
    [InlineData("llama3.2:1b")]
    [InlineData("/no/such/file.gguf")]
    public void What_is_no_file_of_ours_has_an_empty_stamp(string source) => Assert.Equal(default, SourceStamp.Of(source));

    [Fact]
    public void A_link_that_leads_nowhere_is_left_out()
    {
        Write("model.gguf", 10);
        SourceStamp whole = SourceStamp.Of(_folder.Path);
        File.CreateSymbolicLink(_folder["gone"], _folder["nowhere"]);
        Assert.Equal(whole, SourceStamp.Of(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string name, int bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllBytes(_folder[name], new byte[bytes]);
    }
}

using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Formats;

public sealed class ModelFolderTests
{
    [Fact]
    public void Every_golden_checkpoint_and_the_shipped_model_open()
    {
        foreach (string path in Directory.EnumerateDirectories(Path.Combine(Goldens.Data, "goldens")).Append(Goldens.Guide))
        {
            using ModelFolder folder = ModelFolder.Open(path);
            Assert.NotEmpty(folder.Config.Text("model_type"));
            Assert.NotNull(folder.TokenizerJson);
            Assert.NotNull(folder.TokenizerConfig);
            foreach (string name in folder.Weights.Names)
            {
                Assert.True(folder.Weights.TryGet(name, out TensorView tensor));
                Assert.True(tensor.Count > 0);
            }
        }
    }

    [Fact]
    public void The_shipped_model_says_where_its_answers_end_and_how_it_is_sampled()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Guide);
        Assert.Equal([5], folder.GenerationDefaults.EndOfText.ToArray());
        Assert.Equal((1, 0, false, 120), (folder.GenerationDefaults.BeginOfText, folder.GenerationDefaults.Padding, folder.GenerationDefaults.Sample, folder.GenerationDefaults.MaxNewTokens));
        Assert.Contains("add_generation_prompt", folder.ChatTemplate, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chat_template_in_a_file_of_its_own_is_found()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("qwen3"));
        Assert.Equal(File.ReadAllText(Path.Combine(Goldens.Checkpoint("qwen3"), "chat_template.jinja")), folder.ChatTemplate);
    }
}

using System.Text;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tests.Formats;

public sealed class JsonConfigTests
{
    [Fact]
    public void The_newer_form_reads_as_the_older()
    {
        JsonConfig config = Config("""
            {"model_type": "llama", "dtype": "bfloat16",
             "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "partial_rotary_factor": 0.5}}
            """);
        Assert.Equal(("bfloat16", 500_000, 0.5), (config.Text("torch_dtype"), config.Number("rope_theta"), config.Number("partial_rotary_factor")));
        JsonConfig scaling = config.Section("rope_scaling")!;
        Assert.Equal(("llama3", 8, 8192), (scaling.Text("rope_type"), scaling.Number("factor"), scaling.Int("original_max_position_embeddings")));
        Assert.False(scaling.Has("rope_theta"));
        Assert.False(config.Has("rope_parameters"));
    }

    [Fact]
    public void The_plain_kind_of_positions_is_no_scaling_in_either_form()
    {
        Assert.False(Config("""{"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}""").Has("rope_scaling"));
        Assert.False(Config("""{"rope_scaling": {"rope_type": "default"}, "rope_theta": 10000.0}""").Has("rope_scaling"));
        Assert.False(Config("""{"rope_scaling": null}""").Has("rope_scaling"));
    }

    [Fact]
    public void The_oldest_name_of_the_kind_is_understood()
    {
        Assert.Equal("linear", Config("""{"rope_scaling": {"type": "linear", "factor": 2.0}}""").Section("rope_scaling")!.Text("rope_type"));
        Assert.Equal("longrope", Config("""{"rope_scaling": {"type": "su", "long_factor": [1.0]}}""").Section("rope_scaling")!.Text("rope_type"));
    }

    [Fact]
    public void Positions_by_kind_of_layer_become_two_bases()
    {
        JsonConfig config = Config("""
            {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}}
            """);
        Assert.Equal((1_000_000, 10_000), (config.Number("rope_theta"), config.Number("rope_local_base_freq")));
        Assert.Equal(("linear", 8), (config.Section("rope_scaling")!.Text("rope_type"), config.Section("rope_scaling")!.Number("factor")));
    }

    [Fact]
    public void A_value_of_another_type_is_refused_by_its_whole_name()
    {
        JsonConfig config = Config("""{"text": "a", "whole": 3, "part": 2.5, "minus": -1, "huge": 1e300, "flag": true, "list": [1, "a"], "nested": {"deep": []}, "none": null, "float": 64.0}""");
        Assert.Equal((3, 64, 2.5, 1e300, true), (config.Int("whole"), config.Int("float"), config.Number("part"), config.Number("huge"), config.Flag("flag", false)));
        Assert.Equal((null, 7, null, null), (config.IntOrNull("none"), config.Int("absent", 7), config.TextOrNull("none"), config.Section("absent")?.File));
        foreach (Action wrong in (Action[])
            [
                () => config.Int("text"), () => config.Int("part"), () => config.Int("minus"), () => config.Int("huge"), () => config.Number("flag"), () => config.Flag("whole", true), () => config.Text("whole"),
                () => config.Ints("list"), () => config.Texts("list"), () => config.Numbers("text"), () => config.Section("list"), () => config.Int("none"),
            ])
        {
            Assert.Throws<ModelFileException>(wrong);
        }

        Assert.Contains("nested.deep must be a whole number", Assert.Throws<ModelFileException>(() => config.Section("nested")!.Int("deep")).Reason, StringComparison.Ordinal);
        Assert.Contains("nested.gone is missing", Assert.Throws<ModelFileException>(() => config.Section("nested")!.Text("gone")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_ends_of_text_and_the_defaults_of_sampling_are_read()
    {
        JsonConfig generation = JsonConfig.ParseAsIs("generation_config.json", Encoding.UTF8.GetBytes("""
            {"eos_token_id": [128001, 128009], "bos_token_id": 128000, "pad_token_id": -1, "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1, "max_new_tokens": 64}
            """));
        GenerationDefaults defaults = GenerationDefaults.Read(generation, Config("""{"eos_token_id": 1, "pad_token_id": 5}"""));
        Assert.Equal([128001, 128009], defaults.EndOfText.ToArray());
        Assert.Equal((128000, 5, true, 0.6, 20, 0.9, 0.05, 1.1, 64),
            (defaults.BeginOfText, defaults.Padding, defaults.Sample, defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP, defaults.RepetitionPenalty, defaults.MaxNewTokens));
        GenerationDefaults bare = GenerationDefaults.Read(null, Config("""{"eos_token_id": 1}"""));
        Assert.Equal([1], bare.EndOfText.ToArray());
        Assert.Null(bare.Temperature);
    }

    private static JsonConfig Config(string json) => JsonConfig.Parse("config.json", Encoding.UTF8.GetBytes(json));
}

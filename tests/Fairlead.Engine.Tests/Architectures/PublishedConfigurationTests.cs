using System.Text;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>
/// Configurations with the keys and figures of published models. The goldens are made by one version of the library; what people publish was made by
/// many, with keys that nobody reads any more. None of those may turn a model away, and none of the others may be lost.
/// </summary>
public sealed class PublishedConfigurationTests
{
    [Fact]
    public void Llama_3_2_is_stretched_eightfold_and_tied()
    {
        DecoderDesign design = Design("""
            {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,"eos_token_id":[128001,128008,128009],"head_dim":64,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"pretraining_tp":1,
            "rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,"tie_word_embeddings":true,
            "torch_dtype":"bfloat16","transformers_version":"4.45.0.dev0","use_cache":true,"vocab_size":128256}
            """);
        Assert.Equal((2048, 16, 32, 8, 64, 131072, true), (design.Width, design.Layers, design.Heads, design.KvHeads, design.HeadDimension, design.ContextLength, design.TiedHead));
        Assert.Equal((RopeScaling.Llama3, 32, 8192), (design.Ropes[0].Scaling, design.Ropes[0].Factor, design.Ropes[0].OriginalContext));
    }

    [Fact]
    public void SmolLM2_keeps_keys_of_other_programs()
    {
        DecoderDesign design = Design("""
            {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,"initializer_range":0.041666666666666664,"intermediate_size":1536,
            "is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama","num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,"pad_token_id":2,"pretraining_tp":1,"rms_norm_eps":1e-05,
            "rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16","fp16":"float16"}},
            "transformers_version":"4.42.3","use_cache":true,"vocab_size":49152}
            """);
        Assert.Equal((576, 9, 3, 64), (design.Width, design.Heads, design.KvHeads, design.HeadDimension));
    }

    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("null", 0)]
    public void Mistral_has_a_window_in_its_first_version_only(string window, int expected)
    {
        DecoderDesign design = Design($$"""
            {"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mistral",
            "num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":{{window}},"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.34.0.dev0",
            "use_cache":true,"vocab_size":32000}
            """);
        Assert.Equal(expected, design.WindowOf(31));
    }

    [Fact]
    public void Mixtral_sends_a_token_to_two_of_eight_experts()
    {
        DecoderDesign design = Design("""
            {"architectures":["MixtralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,"max_position_embeddings":32768,
            "model_type":"mixtral","num_attention_heads":32,"num_experts_per_tok":2,"num_hidden_layers":32,"num_key_value_heads":8,"num_local_experts":8,"output_router_logits":false,"rms_norm_eps":1e-05,"rope_theta":1000000.0,
            "router_aux_loss_coef":0.02,"sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.36.0.dev0","use_cache":true,"vocab_size":32000}
            """);
        Assert.Equal((8, 2, 14336, true), (design.Moe!.Experts, design.Moe.PerToken, design.Moe.FeedForward, design.Moe.Normalised));
    }

    [Fact]
    public void Qwen_2_5_names_a_window_that_it_does_not_use()
    {
        DecoderDesign design = Design("""
            {"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,"hidden_act":"silu","hidden_size":896,"initializer_range":0.02,"intermediate_size":4864,"max_position_embeddings":32768,
            "max_window_layers":21,"model_type":"qwen2","num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,"tie_word_embeddings":true,
            "torch_dtype":"bfloat16","transformers_version":"4.43.1","use_cache":true,"use_mrope":false,"use_sliding_window":false,"vocab_size":151936}
            """);
        Assert.True(design.QkvBias);
        Assert.False(design.OutputBias);
        Assert.Empty(design.Windows);
    }

    [Fact]
    public void Qwen_2_5_slides_in_its_upper_layers_where_the_window_is_switched_on()
    {
        DecoderDesign design = Design("""
            {"model_type":"qwen2","hidden_act":"silu","hidden_size":64,"intermediate_size":64,"max_position_embeddings":512,"max_window_layers":2,"num_attention_heads":4,"num_hidden_layers":4,"num_key_value_heads":2,"rms_norm_eps":1e-06,
            "rope_theta":1000000.0,"sliding_window":32,"use_sliding_window":true,"vocab_size":100}
            """);
        Assert.Equal([0, 0, 32, 32], design.Windows);
    }

    [Fact]
    public void Qwen_3_has_heads_of_a_length_of_their_own_and_all_layers_of_its_mixture_have_experts()
    {
        DecoderDesign dense = Design("""
            {"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":1024,"initializer_range":0.02,
            "intermediate_size":3072,"max_position_embeddings":40960,"max_window_layers":28,"model_type":"qwen3","num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,"rope_scaling":null,
            "rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}
            """);
        DecoderDesign sparse = Design("""
            {"architectures":["Qwen3MoeForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,"decoder_sparse_step":1,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":6144,"max_position_embeddings":40960,"max_window_layers":48,"mlp_only_layers":[],"model_type":"qwen3_moe","moe_intermediate_size":768,"norm_topk_prob":true,
            "num_attention_heads":32,"num_experts":128,"num_experts_per_tok":8,"num_hidden_layers":48,"num_key_value_heads":4,"output_router_logits":false,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000.0,
            "router_aux_loss_coef":0.001,"sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}
            """);
        Assert.Equal((128, QkNorm.PerHead), (dense.HeadDimension, dense.QkNorm));
        Assert.Equal((128, 8, 768, true), (sparse.Moe!.Experts, sparse.Moe.PerToken, sparse.Moe.FeedForward, sparse.Moe.Normalised));
        Assert.All(Enumerable.Range(0, 48), layer => Assert.True(sparse.IsSparse(layer)));
    }

    [Fact]
    public void Qwen_1_5_with_experts_leaves_the_weights_of_the_chosen_as_they_are()
    {
        DecoderDesign design = Design("""
            {"architectures":["Qwen2MoeForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"decoder_sparse_step":1,"eos_token_id":151643,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":5632,
            "max_position_embeddings":8192,"max_window_layers":21,"model_type":"qwen2_moe","moe_intermediate_size":1408,"norm_topk_prob":false,"num_attention_heads":16,"num_experts":60,"num_experts_per_tok":4,"num_hidden_layers":24,
            "num_key_value_heads":16,"output_router_logits":false,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"router_aux_loss_coef":0.001,"shared_expert_intermediate_size":5632,"sliding_window":32768,"tie_word_embeddings":false,
            "torch_dtype":"bfloat16","transformers_version":"4.39.0.dev0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}
            """);
        Assert.Equal((60, 4, 1408, 5632, false), (design.Moe!.Experts, design.Moe.PerToken, design.Moe.FeedForward, design.Moe.SharedFeedForward, design.Moe.Normalised));
    }

    [Fact]
    public void Gemma_says_gelu_and_means_its_tangent_form()
    {
        DecoderDesign design = Design("""
            {"architectures":["GemmaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":2,"eos_token_id":1,"head_dim":256,"hidden_act":"gelu","hidden_activation":null,"hidden_size":2048,"initializer_range":0.02,
            "intermediate_size":16384,"max_position_embeddings":8192,"model_type":"gemma","num_attention_heads":8,"num_hidden_layers":18,"num_key_value_heads":1,"pad_token_id":0,"rms_norm_eps":1e-06,"rope_scaling":null,
            "rope_theta":10000.0,"torch_dtype":"bfloat16","transformers_version":"4.38.0.dev0","use_cache":true,"vocab_size":256000}
            """);
        Assert.Equal((Fairlead.Engine.Kernels.Activation.GeluTanh, true, MathF.Sqrt(2048)), (design.Activation, design.TiedHead, design.EmbeddingScale));
    }

    [Fact]
    public void Gemma_2_and_3_slide_in_the_layers_that_their_classes_say()
    {
        DecoderDesign second = Design("""
            {"architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":50.0,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":[1,107],"final_logit_softcapping":30.0,
            "head_dim":256,"hidden_act":"gelu_pytorch_tanh","hidden_activation":"gelu_pytorch_tanh","hidden_size":2304,"initializer_range":0.02,"intermediate_size":9216,"max_position_embeddings":8192,"model_type":"gemma2",
            "num_attention_heads":8,"num_hidden_layers":26,"num_key_value_heads":4,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_theta":10000.0,"sliding_window":4096,"torch_dtype":"bfloat16",
            "transformers_version":"4.42.4","use_cache":true,"vocab_size":256000}
            """);
        DecoderDesign third = Design("""
            {"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":null,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":[1,106],"final_logit_softcapping":null,
            "head_dim":256,"hidden_activation":"gelu_pytorch_tanh","hidden_size":1152,"initializer_range":0.02,"intermediate_size":6912,"max_position_embeddings":32768,"model_type":"gemma3_text","num_attention_heads":4,
            "num_hidden_layers":26,"num_key_value_heads":1,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,"sliding_window":512,
            "sliding_window_pattern":6,"torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0","use_cache":true,"vocab_size":262144}
            """);
        Assert.Equal([4096, 0, 4096, 0], second.Windows[..4]);
        Assert.Equal((50, 30, 1 / 16f), (second.AttentionCap, second.LogitCap, second.AttentionScale));
        Assert.Equal([512, 512, 512, 512, 512, 0, 512], third.Windows[..7]);
        Assert.Equal([1, 1, 1, 1, 1, 0, 1], third.RopeOfLayer[..7]);
        Assert.Equal((1e6, 1e4), (third.Ropes[0].Theta, third.Ropes[1].Theta));
    }

    [Fact]
    public void Phi_turns_a_share_of_each_head_and_has_two_lists_of_factors()
    {
        string factors = string.Join(',', Enumerable.Range(1, 48));
        DecoderDesign design = Design($$"""
            {"_name_or_path":"Phi-4-mini-instruct","architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},"bos_token_id":199999,"embd_pdrop":0.0,
            "eos_token_id":199999,"full_attn_mod":1,"hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,"interpolate_factor":1,"lm_head_bias":false,"max_position_embeddings":131072,"mlp_bias":false,
            "model_type":"phi3","num_attention_heads":24,"num_hidden_layers":32,"num_key_value_heads":8,"original_max_position_embeddings":4096,"pad_token_id":199999,"partial_rotary_factor":0.75,"resid_pdrop":0.0,"rms_norm_eps":1e-05,
            "rope_scaling":{"long_factor":[{{factors}}],"short_factor":[{{factors}}],"type":"longrope"},"rope_theta":10000.0,"sliding_window":262144,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.45.0",
            "use_cache":true,"vocab_size":200064}
            """);
        Assert.Equal((96, 4096, 48, 131072), (design.Ropes[0].Dimensions, design.Ropes[0].OriginalContext, design.Ropes[0].LongFactors.Length, design.ContextLength));
        Assert.Equal(Math.Sqrt(1 + (Math.Log(32) / Math.Log(4096))), design.Ropes[0].AttentionFactor, 12);
    }

    [Fact]
    public void Falcon_7B_shares_one_key_head_and_Falcon_11B_eight()
    {
        DecoderDesign first = Design("""
            {"alibi":false,"apply_residual_connection_post_layernorm":false,"architectures":["FalconForCausalLM"],"attention_dropout":0.0,"bias":false,"bos_token_id":11,"eos_token_id":11,"hidden_dropout":0.0,"hidden_size":4544,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"falcon","multi_query":true,"new_decoder_architecture":false,"num_attention_heads":71,"num_hidden_layers":32,"parallel_attn":true,"torch_dtype":"bfloat16",
            "transformers_version":"4.27.4","use_cache":true,"vocab_size":65024}
            """);
        DecoderDesign second = Design("""
            {"activation":"gelu","alibi":false,"architectures":["FalconForCausalLM"],"attention_dropout":0.0,"bias":false,"bos_token_id":11,"eos_token_id":11,"ff_factor":4,"ffn_hidden_size":16384,"hidden_dropout":0.0,"hidden_size":4096,
            "initializer_range":0.02,"layer_norm_epsilon":1e-05,"max_position_embeddings":8192,"model_type":"falcon","multi_query":true,"new_decoder_architecture":true,"num_attention_heads":32,"num_hidden_layers":60,"num_kv_heads":8,
            "num_ln_in_parallel_attn":1,"parallel_attn":true,"rope_scaling":null,"rope_theta":500042.0,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.39.2","use_cache":true,"vocab_size":65024}
            """);
        Assert.Equal((1, 64, 4 * 4544, true), (first.KvHeads, first.HeadDimension, first.FeedForward, first.Parallel));
        Assert.Equal((8, 128, 16384, true), (second.KvHeads, second.HeadDimension, second.FeedForward, second.Parallel));
    }

    [Fact]
    public void Bloom_is_read_with_the_keys_of_its_training_code()
    {
        DecoderDesign design = Design("""
            {"apply_residual_connection_post_layernorm":false,"attention_dropout":0.0,"attention_softmax_in_fp32":true,"architectures":["BloomForCausalLM"],"bias_dropout_fusion":true,"bos_token_id":1,"eos_token_id":2,"pad_token_id":3,
            "unk_token_id":0,"hidden_dropout":0.0,"initializer_range":0.02,"layer_norm_epsilon":1e-05,"masked_softmax_fusion":true,"model_type":"bloom","n_embed":1024,"n_inner":null,"n_layer":24,"num_attention_heads":16,
            "offset_alibi":100,"pretraining_tp":1,"seq_length":2048,"skip_bias_add":true,"skip_bias_add_qkv":false,"slow_but_exact":false,"transformers_version":"4.20.0.dev0","use_cache":true,"vocab_size":250880}
            """);
        Assert.Equal((1024, 24, 16, 4096, 2048), (design.Width, design.Layers, design.Heads, design.FeedForward, design.ContextLength));
    }

    [Fact]
    public void Gpt_2_is_read_with_the_keys_of_its_tasks()
    {
        DecoderDesign design = Design("""
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,"initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2",
            "n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,"summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,
            "task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257}
            """);
        Assert.Equal((768, 12, 64, 3072, 1024), (design.Width, design.Heads, design.HeadDimension, design.FeedForward, design.ContextLength));
    }

    [Fact]
    public void SmolLM3_does_without_positions_in_every_fourth_layer()
    {
        DecoderDesign design = Design("""
            {"architectures":["SmolLM3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":null,"eos_token_id":128012,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":11008,
            "layer_types":["full_attention","full_attention","full_attention","full_attention"],"max_position_embeddings":65536,"max_window_layers":28,"mlp_bias":false,"model_type":"smollm3","no_rope_layer_interval":4,
            "no_rope_layers":[1,1,1,0],"num_attention_heads":16,"num_hidden_layers":4,"num_key_value_heads":4,"pad_token_id":128004,"pretraining_tp":2,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":5000000.0,"sliding_window":null,
            "torch_dtype":"bfloat16","transformers_version":"4.54.0.dev0","use_cache":false,"use_sliding_window":false,"vocab_size":128256}
            """);
        Assert.Equal([0, 0, 0, -1], design.RopeOfLayer);
        Assert.True(design.TiedHead);
    }

    [Fact]
    public void Olmo_2_Granite_and_StarCoder_2_are_read_as_published()
    {
        DecoderDesign olmo = Design("""
            {"architectures":["Olmo2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"eos_token_id":100257,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":4096,
            "model_type":"olmo2","num_attention_heads":16,"num_hidden_layers":16,"num_key_value_heads":16,"pad_token_id":100277,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":500000,"tie_word_embeddings":false,
            "torch_dtype":"float32","transformers_version":"4.47.0","use_cache":false,"vocab_size":100352}
            """);
        DecoderDesign granite = Design("""
            {"architectures":["GraniteForCausalLM"],"attention_bias":false,"attention_dropout":0.1,"attention_multiplier":0.015625,"bos_token_id":0,"embedding_multiplier":12.0,"eos_token_id":0,"hidden_act":"silu","hidden_size":2048,
            "initializer_range":0.02,"intermediate_size":8192,"logits_scaling":8.0,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"granite","num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,
            "pad_token_id":0,"residual_multiplier":0.22,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":5000000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.47.0.dev0","use_cache":true,"vocab_size":49155}
            """);
        DecoderDesign starcoder = Design("""
            {"architectures":["Starcoder2ForCausalLM"],"attention_dropout":0.1,"attention_softmax_in_fp32":true,"bos_token_id":0,"embedding_dropout":0.1,"eos_token_id":0,"hidden_act":"gelu_pytorch_tanh","hidden_size":3072,
            "initializer_range":0.018042,"intermediate_size":12288,"layer_norm_epsilon":1e-05,"max_position_embeddings":16384,"mlp_type":"default","model_type":"starcoder2","norm_epsilon":1e-05,"norm_type":"layer_norm",
            "num_attention_heads":24,"num_hidden_layers":30,"num_key_value_heads":2,"residual_dropout":0.1,"rope_theta":999999.4420358813,"scale_attention_softmax_in_fp32":true,"scale_attn_weights":true,"sliding_window":4096,
            "transformers_version":"4.37.0.dev0","use_bias":true,"use_cache":true,"vocab_size":49152}
            """);
        Assert.Equal(QkNorm.WholeRow, olmo.QkNorm);
        Assert.Equal((12, 0.22f, 0.125f, 0.015625f), (granite.EmbeddingScale, granite.ResidualScale, granite.LogitScale, granite.AttentionScale));
        Assert.Equal((NormKind.Layer, 4096, true, true), (starcoder.Norm, starcoder.WindowOf(0), starcoder.MlpBias, starcoder.TiedHead));
    }

    private static DecoderDesign Design(string json)
    {
        var config = new ConfigReader(JsonConfig.Parse("config.json", Encoding.UTF8.GetBytes(json)));
        DecoderDesign design = ArchitectureRegistry.Find("config.json", config.Text("model_type")!).Design(config);
        config.Finish();
        return design;
    }
}

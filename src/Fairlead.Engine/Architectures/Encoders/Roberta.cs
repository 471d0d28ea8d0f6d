namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>RoBERTa (Liu et al. 2019), XLM-RoBERTa and CamemBERT: BERT whose positions begin after the padding token's number. Reference: transformers <c>modeling_roberta.py</c>.</summary>
internal static class Roberta
{
    public static EncoderArchitecture Architecture { get; } = new(
        ["roberta", "xlm-roberta", "camembert"], "roberta.", Design, static (tensors, design) => Bert.Weights(tensors, design, "attention.self", "query", "key", "value"));

    /// <summary>Positions after the padding token: shared with MPNet, which was made from RoBERTa's code.</summary>
    public static EncoderDesign Design(ConfigReader config)
    {
        EncoderDesign design = Bert.Design(config) with { PaddingToken = config.Int("pad_token_id", 0, 1 << 20, 1) };
        return design.MaxTokens > 0 ? design : throw config.Unsupported("pad_token_id");
    }
}

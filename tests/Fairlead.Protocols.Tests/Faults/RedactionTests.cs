using Fairlead.Protocols.Faults;

namespace Fairlead.Protocols.Tests.Faults;

public sealed class RedactionTests
{
    [Theory]
    [InlineData("Incorrect API key provided: sk-proj-abcdefgh12345678. See https://platform.openai.com/account/api-keys.", "Incorrect API key provided: *** See https://platform.openai.com/account/api-keys.")]
    [InlineData("token hf_abcdefghijklmnop is bad", "token *** is bad")]
    [InlineData("key 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef unknown", "key *** unknown")]
    [InlineData("Authorization: Bearer abc.def", "Authorization: ***")]
    [InlineData("connect to http://10.1.2.3:8000/v1/x?y=1 failed", "connect to [address] failed")]
    [InlineData("dial tcp 192.168.0.4:443: refused", "dial tcp [address]: refused")]
    [InlineData("see http://localhost:3000/health", "see [address]")]
    [InlineData("http://vllm-0.vllm.svc.cluster.local:8000 is down", "[address] is down")]
    [InlineData("http://router:8080/x is down", "[address] is down")]
    [InlineData("redis://cache.example.com:6379", "[address]")]
    [InlineData("see https://docs.example.com/errors#rate for more", "see https://docs.example.com/errors#rate for more")]
    [InlineData("The model `meta-llama/Llama-3.1-8B-Instruct` does not exist", "The model `meta-llama/Llama-3.1-8B-Instruct` does not exist")]
    [InlineData("maximum context length is 8192 tokens, 10 of 127 used", "maximum context length is 8192 tokens, 10 of 127 used")]
    [InlineData("Unknown key: temperature", "Unknown key: temperature")]
    [InlineData("a\u0000b\u001b[31mc\u202ed", "a b c d")]
    public void Secrets_and_inner_addresses_go_and_everything_else_stays(string said, string shown) => Assert.Equal(shown, Redaction.Clean(said));
}

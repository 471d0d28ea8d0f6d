using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Prompts of completions and inputs of embeddings, and the fields that only these routes have.</summary>
public sealed class CompletionAndEmbeddingTests
{
    [Theory]
    [InlineData("\"hi\"", 1)]
    [InlineData("\"\"", 1)]
    [InlineData("[\"a\",\"b\",\"c\"]", 3)]
    [InlineData("[1,2,3]", 1)]
    [InlineData("[[1,2],[3]]", 2)]
    public void Every_prompt_is_an_answer_to_pay_for(string prompt, int answers) =>
        Assert.Equal(answers, Bodies.Request($$"""{"model":"a","prompt":{{prompt}}}""", Route.Completions).Choices);

    [Theory]
    [InlineData("\"n\":2", 2)]
    [InlineData("\"best_of\":5", 5)]
    [InlineData("\"n\":2,\"best_of\":5", 5)]
    [InlineData("\"best_of\":null,\"n\":3", 3)]
    public void All_that_is_generated_is_counted_not_only_what_is_shown(string members, int answers) =>
        Assert.Equal(answers * 2, Bodies.Request($$"""{"model":"a","prompt":["x","y"],{{members}}}""", Route.Completions).Choices);

    [Theory]
    [InlineData("null", "prompt")]
    [InlineData("5", "prompt")]
    [InlineData("{}", "prompt")]
    [InlineData("[]", "prompt")]
    [InlineData("[[]]", "prompt")]
    [InlineData("[\"a\",1]", "prompt")]
    [InlineData("[[1],\"a\"]", "prompt")]
    [InlineData("[{}]", "prompt[0]")]
    [InlineData("[\"a\",null]", "prompt[1]")]
    [InlineData("[1.5]", "prompt")]
    [InlineData("[-1]", "prompt")]
    [InlineData("[[1,\"a\"]]", "prompt")]
    [InlineData("[[[1]]]", "prompt")]
    public void A_prompt_of_another_form_is_refused(string prompt, string param)
    {
        Problem problem = Bodies.Refused($$"""{"model":"a","prompt":{{prompt}}}""", Route.Completions);
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.Equal(param, problem.Param);
    }

    [Theory]
    [InlineData("\"echo\":1", "echo")]
    [InlineData("\"suffix\":1", "suffix")]
    [InlineData("\"best_of\":0", "best_of")]
    [InlineData("\"best_of\":129", "best_of")]
    [InlineData("\"best_of\":2,\"n\":3", "best_of")]
    [InlineData("\"logprobs\":true", "logprobs")]
    [InlineData("\"logprobs\":21", "logprobs")]
    public void Fields_of_completions_are_checked(string member, string param) => Assert.Equal(param, Bodies.Refused(Bodies.Completion(member), Route.Completions).Param);

    [Fact]
    public void More_answers_than_a_client_reads_are_refused_before_they_are_paid()
    {
        string prompts = string.Join(',', Enumerable.Repeat("\"x\"", 65));
        Assert.Equal("prompt", Bodies.Refused($$"""{"model":"a","n":2,"prompt":[{{prompts}}]}""", Route.Completions).Param);
        Assert.Equal(65, Bodies.Request($$"""{"model":"a","prompt":[{{prompts}}]}""", Route.Completions).Choices);
    }

    [Theory]
    [InlineData("\"hi\"")]
    [InlineData("[\"a\",\"b\"]")]
    [InlineData("[1,2,3]")]
    [InlineData("[[1,2],[3]]")]
    [InlineData("[\"a\",\"\"]")]
    public void Inputs_of_all_four_forms_are_taken(string input) => Bodies.Taken(Bodies.Embedding(input), Route.Embeddings);

    [Theory]
    [InlineData("\"\"")]
    [InlineData("[]")]
    [InlineData("[\"\"]")]
    [InlineData("[[]]")]
    [InlineData("[[1],[]]")]
    [InlineData("[true]")]
    [InlineData("7")]
    [InlineData("null")]
    public void Nothing_to_embed_is_refused(string input)
    {
        Problem problem = Bodies.Refused(Bodies.Embedding(input), Route.Embeddings);
        Assert.Equal(400, problem.Status);
        Assert.StartsWith("input", problem.Param, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2048, true)]
    [InlineData(2049, false)]
    public void At_most_2048_texts_are_embedded_at_once(int count, bool taken)
    {
        string texts = "[" + string.Join(',', Enumerable.Repeat("\"a\"", count)) + "]";
        string tokens = "[" + string.Join(',', Enumerable.Repeat("[1]", count)) + "]";
        Assert.Equal(taken, Bodies.Scan(Bodies.Embedding(texts), Route.Embeddings).Problem is null);
        Assert.Equal(taken, Bodies.Scan(Bodies.Embedding(tokens), Route.Embeddings).Problem is null);
        Bodies.Taken(Bodies.Embedding("[" + string.Join(',', Enumerable.Repeat("1", count)) + "]"), Route.Embeddings); // one text
    }

    [Theory]
    [InlineData("\"float\"", EmbeddingEncoding.Float)]
    [InlineData("\"base64\"", EmbeddingEncoding.Base64)]
    [InlineData("null", EmbeddingEncoding.Float)]
    public void The_encoding_asked_for_is_known(string value, EmbeddingEncoding encoding) =>
        Assert.Equal(encoding, Bodies.Taken(Bodies.Embedding("\"x\"", $"\"encoding_format\":{value}"), Route.Embeddings).Encoding);

    [Theory]
    [InlineData("\"encoding_format\":\"int8\"", "encoding_format")]
    [InlineData("\"encoding_format\":1", "encoding_format")]
    [InlineData("\"dimensions\":0", "dimensions")]
    [InlineData("\"dimensions\":\"8\"", "dimensions")]
    [InlineData("\"stream\":true", "stream")]
    public void Fields_of_embeddings_are_checked(string member, string param) =>
        Assert.Equal(param, Bodies.Refused(Bodies.Embedding("\"x\"", member), Route.Embeddings).Param);

    [Fact]
    public void What_a_route_lacks_is_named()
    {
        Assert.Equal("prompt", Bodies.Refused("""{"model":"a"}""", Route.Completions).Param);
        Assert.Equal("input", Bodies.Refused("""{"model":"a"}""", Route.Embeddings).Param);
    }
}

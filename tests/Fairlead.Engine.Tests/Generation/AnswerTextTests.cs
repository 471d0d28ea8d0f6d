using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class AnswerTextTests
{
    private static readonly string[] Texts = ["Hello", " wor", "ld", "", "!"];

    [Fact]
    public void A_token_goes_with_the_first_of_its_characters_and_one_that_lies_within_a_stop_string_not_at_all()
    {
        AnswerText text = New(eager: false, "o world");
        Assert.Equal("Hell: 0", Given(text.Append(Token(0)))); // "o" may be the beginning of the stop string
        Assert.Null(text.Append(Token(1)));
        Assert.Null(text.Append(Token(2)));
        Assert.Equal("o world", text.Stop);
        Assert.Null(text.Rest());
    }

    [Fact]
    public void What_was_held_back_comes_with_its_tokens_when_it_was_no_stop_string()
    {
        AnswerText text = New(eager: false, "world peace");
        Assert.Equal("Hello: 0", Given(text.Append(Token(0))));
        Assert.Equal(" : 1", Given(text.Append(Token(1)))); // "wor" waits; its token has begun
        Assert.Null(text.Append(Token(2)));
        Assert.Equal("world!: 2,4", Given(text.Append(Token(4))));
    }

    [Fact]
    public void The_end_gives_everything_that_waits()
    {
        AnswerText text = New(eager: false, "world peace");
        text.Append(Token(1));
        text.Append(Token(2));
        text.Append(Token(3));
        Assert.Equal("world~: 2,3", Given(text.Rest()));
    }

    [Fact]
    public void A_stop_string_that_only_the_last_unfinished_character_completes_still_stops()
    {
        AnswerText text = New(eager: false, "d~");
        text.Append(Token(2)); // "ld", and "~" when the decoder gives up waiting
        Assert.Null(text.Rest());
        Assert.Equal("d~", text.Stop);
    }

    [Fact]
    public void A_token_without_text_waits_for_the_next_unless_somebody_wants_its_log_probability()
    {
        AnswerText patient = New(eager: false);
        Assert.Null(patient.Append(Token(3)));
        Assert.Equal("!: 3,4", Given(patient.Append(Token(4))));
        AnswerText eager = New(eager: true);
        Assert.Equal(": 3", Given(eager.Append(Token(3))));
        Assert.Equal("!: 4", Given(eager.Append(Token(4))));
    }

    private static AnswerText New(bool eager, params string[] stop) =>
        new(choice: 0, new AnswerDecoder(static id => Texts[id], static () => "~"), new StopRule([.. stop]), eager);

    private static AnswerToken Token(int id) => new(id, null, []);

    private static string? Given(GenerationEvent.Piece? piece) =>
        piece is null ? null : $"{piece.Text}: {string.Join(',', piece.Tokens.Select(static token => token.Id))}";
}

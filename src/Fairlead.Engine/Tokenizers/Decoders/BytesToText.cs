using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Tokenizers.Decoders;

/// <summary><c>ByteLevel</c>: the bytes that tokens stand for, read as UTF-8. What is none becomes U+FFFD, once for each broken sequence.</summary>
internal sealed class ByteLevelDecode : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(next);

    public override TokenBytes Middle(TokenBytes token) => token.Bytes is null ? token with { Bytes = ByteAlphabet.BytesOf(token.Text) } : token;

    private sealed class Stage(DecodeStage next) : WholeTokenStage(next)
    {
        private readonly Decoder _utf8 = System.Text.Encoding.UTF8.GetDecoder();

        protected override void Token(ReadOnlySpan<char> token)
        {
            // A character of the alphabet is a byte; a token with any other character is taken for what it says, at most three bytes a unit.
            Span<byte> bytes = token.Length <= 256 ? stackalloc byte[768] : new byte[token.Length * 3];
            int count = 0;
            foreach (char character in token)
            {
                int value = ByteAlphabet.ByteOf(character);
                if (value < 0)
                {
                    count = System.Text.Encoding.UTF8.GetBytes(token, bytes);
                    break;
                }

                bytes[count++] = (byte)value;
            }

            Write(bytes[..count], flush: false);
        }

        public override void End()
        {
            Write(default, flush: true);
            Next.Push(default, ends: true);
            Next.End();
        }

        private void Write(ReadOnlySpan<byte> bytes, bool flush)
        {
            int room = bytes.Length + 4; // a unit a byte, and what an unfinished sequence may still become
            Span<char> text = room <= 512 ? stackalloc char[512] : new char[room];
            int written = _utf8.GetChars(bytes, text, flush);
            if (written > 0)
                Next.Push(text[..written], ends: false);
        }
    }
}

/// <summary><c>ByteFallback</c>: a run of tokens like <c>&lt;0x0A&gt;</c> is the text of its bytes; a run that is no UTF-8 is one U+FFFD for each byte.</summary>
/// <remarks>Since the run as a whole decides, a stream is held back until it ends: at most to the next token that is no byte.</remarks>
internal sealed class ByteFallbackDecode : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(next);

    public override TokenBytes Middle(TokenBytes token) =>
        token.Bytes is null && TryByte(token.Text, out byte value) ? token with { Bytes = [value] } : token;

    private static bool TryByte(ReadOnlySpan<char> token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x") && token[5] == '>'
            && byte.TryParse(token[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private sealed class Stage(DecodeStage next) : WholeTokenStage(next)
    {
        private readonly List<byte> _run = [];

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (TryByte(token, out byte value))
            {
                _run.Add(value);
                return;
            }

            EndRun();
            Next.Push(token, ends: true);
        }

        public override void End()
        {
            EndRun();
            Next.End();
        }

        private void EndRun()
        {
            if (_run.Count == 0)
                return;
            byte[] run = [.. _run];
            _run.Clear();
            if (System.Text.Unicode.Utf8.IsValid(run))
            {
                Next.Push(System.Text.Encoding.UTF8.GetString(run), ends: true);
                return;
            }

            for (int i = 0; i < run.Length; i++)
                Next.Push("\uFFFD", ends: true);
        }
    }
}

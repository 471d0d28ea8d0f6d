using System.Text;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>The 256 visible characters that stand for bytes in byte-level vocabularies, as GPT-2 introduced them (<c>bytes_to_unicode</c>).</summary>
/// <remarks>Printable Latin-1 characters stand for themselves; the other 68 bytes take U+0100 onwards in their order, so a space is <c>Ġ</c>.</remarks>
internal static class ByteAlphabet
{
    private const int Characters = 0x144;

    private static readonly char[] s_characters = new char[256];
    private static readonly short[] s_bytes = new short[Characters];

    static ByteAlphabet()
    {
        Array.Fill(s_bytes, (short)-1);
        int next = 0x100;
        for (int value = 0; value < 256; value++)
        {
            char character = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : (char)next++;
            s_characters[value] = character;
            s_bytes[character] = (short)value;
        }
    }

    /// <summary>The character of a byte.</summary>
    public static char CharacterOf(byte value) => s_characters[value];

    /// <summary>The byte of a character; −1 where it stands for none.</summary>
    public static int ByteOf(char character) => character < Characters ? s_bytes[character] : -1;

    /// <summary>The bytes that a token's text stands for; its own UTF-8 where one of its characters is outside the alphabet.</summary>
    public static byte[] BytesOf(ReadOnlySpan<char> token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = ByteOf(token[i]);
            if (value < 0)
            {
                byte[] plain = new byte[System.Text.Encoding.UTF8.GetByteCount(token)];
                System.Text.Encoding.UTF8.GetBytes(token, plain);
                return plain;
            }

            bytes[i] = (byte)value;
        }

        return bytes;
    }

    /// <summary>Puts [<paramref name="start"/>, <paramref name="end"/>) of the text into the builder, byte by byte; each keeps its character's place.</summary>
    public static void Write(AlignedText text, int start, int end, AlignedText.Builder builder)
    {
        ReadOnlySpan<char> span = text.Span;
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = start; at < end;)
        {
            int ascii = span[at..end].IndexOfAnyExceptInRange('\0', '\x7F');
            int until = ascii < 0 ? end : at + ascii;
            builder.CopyMapped(at, until, s_characters);
            at = until;
            if (at == end)
                break;
            int from = text.StartOf(at), to = text.EndOf(at);
            int count = new Rune(CodePoints.At(span, at, out int length)).EncodeToUtf8(utf8);
            at += length;
            foreach (byte value in utf8[..count])
                builder.Append(s_characters[value], from, to);
        }
    }
}

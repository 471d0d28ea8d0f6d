using System.Security.Cryptography;
using Fairlead.Domain.Keys;

namespace Fairlead.Domain.Tests.Keys;

public sealed class ApiKeyTests
{
    [Fact]
    public void Keys_have_37_characters_start_with_hf_FL_and_check_themselves()
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < 20_000; i++)
        {
            string secret = ApiKey.Create(RandomNumberGenerator.Fill).Reveal();
            Assert.Equal(37, secret.Length);
            Assert.StartsWith("hf_FL", secret, StringComparison.Ordinal);
            Assert.True(ApiKey.IsWellFormed(secret));
            Assert.True(seen.Add(secret));
        }
    }

    [Fact]
    public void One_wrong_character_anywhere_is_noticed()
    {
        string secret = ApiKey.Create(RandomNumberGenerator.Fill).Reveal();
        for (int i = 0; i < secret.Length; i++)
        {
            char other = secret[i] == 'a' ? 'b' : 'a';
            Assert.False(ApiKey.IsWellFormed(secret[..i] + other + secret[(i + 1)..]));
        }
    }

    [Fact]
    public void Random_strings_of_the_right_form_hardly_ever_pass()
    {
        var random = new Random(7);
        const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        int passed = 0;
        for (int i = 0; i < 500_000; i++)
            passed += ApiKey.IsWellFormed("hf_FL" + new string(random.GetItems<char>(Alphabet, 32))) ? 1 : 0;
        Assert.Equal(0, passed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hf_FL")]
    [InlineData("sk-1234567890123456789012345678901234")]
    [InlineData("hf_FLééééééééééééééééééééééééééééééé0")]
    public void Foreign_keys_are_malformed(string text) => Assert.False(ApiKey.IsWellFormed(text));

    [Fact]
    public void A_key_does_not_print_itself()
    {
        ApiKey key = ApiKey.Create(RandomNumberGenerator.Fill);
        Assert.Equal("hf_FL***", $"{key}");
        Assert.DoesNotContain(key.Reveal()[10..20], key.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_character_of_the_alphabet_is_as_likely_as_any_other()
    {
        var counts = new Dictionary<char, int>();
        for (int i = 0; i < 4_000; i++)
        {
            foreach (char c in ApiKey.Create(RandomNumberGenerator.Fill).Reveal()[5..31])
                counts[c] = counts.GetValueOrDefault(c) + 1;
        }
        double expected = 4_000 * 26 / 62.0;
        Assert.Equal(62, counts.Count);
        // Five sigma of a binomial count: once in a million runs by chance.
        Assert.All(counts.Values, count => Assert.InRange(count, expected - 5.5 * Math.Sqrt(expected), expected + 5.5 * Math.Sqrt(expected)));
    }

    [Fact]
    public void The_stored_hash_depends_on_the_pepper()
    {
        string secret = ApiKey.Create(RandomNumberGenerator.Fill).Reveal();
        Assert.NotEqual(ApiKey.Hash(secret, [1, 2, 3]), ApiKey.Hash(secret, [1, 2, 4]));
        Assert.Equal(ApiKey.Hash(secret, [1, 2, 3]), ApiKey.Hash(secret, [1, 2, 3]));
    }
}

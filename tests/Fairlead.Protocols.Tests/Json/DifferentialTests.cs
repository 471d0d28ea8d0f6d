using System.Text;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Tests.Json;

/// <summary>Our cursor and System.Text.Json agree on every text, held to the same rules.</summary>
public sealed class DifferentialTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_and_damaged_bodies_are_valid_to_both_or_to_neither(int seed)
    {
        var random = new Random(seed);
        var json = new RandomJson(random);
        int valid = 0;
        const int Bodies = 10_000;
        for (int i = 0; i < Bodies; i++)
        {
            byte[] body = Encoding.UTF8.GetBytes(json.Body());
            if (random.Next(2) == 0)
                body = json.Mutate(body);
            bool expected = JsonOracle.Read(body) is not null;
            if (JsonOracle.CursorTakes(body) != expected)
                Assert.Fail($"System.Text.Json says {expected} (seed {seed}, body {i}): {Encoding.UTF8.GetString(body)} = {Convert.ToHexString(body)}");
            valid += expected ? 1 : 0;
        }
        Assert.InRange(valid, Bodies / 5, Bodies * 4 / 5); // both sides of the question were asked
    }

    [Fact]
    public void The_members_found_are_the_members_there_are()
    {
        var random = new Random(5);
        var json = new RandomJson(random);
        int compared = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] body = Encoding.UTF8.GetBytes(json.Body());
            if (JsonOracle.Read(body) is not { } expected)
                continue;
            List<(string, string)> found = [];
            var cursor = new JsonCursor(body, JsonBounds.Default, new MemberNames());
            Assert.Equal(JsonKind.Object, cursor.Peek());
            cursor.Enter();
            bool first = true;
            while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
            {
                string plain = JsonText.Unescape(name, escaped);
                Assert.Equal((byte)'"', body[cursor.NameStart]);
                Assert.True(cursor.Skip(out Range range));
                found.Add((plain, Encoding.UTF8.GetString(body[range])));
            }
            Assert.True(cursor.AtEnd());
            Assert.Equal(expected, found);
            compared++;
        }
        Assert.True(compared > 3_000);
    }
}

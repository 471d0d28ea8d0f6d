using System.Text;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Answers with one to five mistakes: bytes changed, words put in, pieces left out or said twice, values replaced.</summary>
internal static class Bent
{
    /// <param name="original">What is whole.</param>
    /// <param name="words">What is put in; those that are values of JSON stand first.</param>
    /// <param name="values">How many of them are.</param>
    /// <param name="random">Seeded by the test.</param>
    public static byte[] Of(byte[] original, string[] words, int values, Random random)
    {
        var body = new List<byte>(original);
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int at = random.Next(body.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < body.Count:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1:
                    body.InsertRange(at, Encoding.UTF8.GetBytes(words[random.Next(words.Length)]));
                    break;
                case 2:
                    body.RemoveRange(at, Math.Min(random.Next(1, 24), body.Count - at));
                    break;
                case 3:
                    int length = Math.Min(random.Next(1, 200), body.Count - at);
                    body.InsertRange(random.Next(body.Count + 1), body.GetRange(at, length));
                    break;
                default:
                    // A value in place of another: what keeps the JSON whole goes deepest.
                    int colon = body.IndexOf((byte)':', Math.Min(at, body.Count));
                    int end = colon < 0 ? -1 : body.FindIndex(colon, static b => b is (byte)',' or (byte)'}');
                    if (end > colon && colon >= 0)
                    {
                        body.RemoveRange(colon + 1, end - colon - 1);
                        body.InsertRange(colon + 1, Encoding.UTF8.GetBytes(words[random.Next(values)]));
                    }
                    break;
            }
        }
        return [.. body];
    }
}

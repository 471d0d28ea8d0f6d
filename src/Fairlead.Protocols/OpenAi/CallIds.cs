using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Ids for tool calls that came without one.</summary>
internal static class CallIds
{
    /// <summary><c>call_</c> and 24 letters or digits, in OpenAI's form. From the answer's own id, so that the same bytes of an upstream make the same id
    /// however they were cut.</summary>
    public static string For(string answerId, int choice, int call)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{answerId}/{choice}/{call}")));
        return "call_" + Convert.ToHexStringLower(digest)[..24];
    }
}

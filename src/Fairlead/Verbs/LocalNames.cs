using System.CommandLine;

namespace Fairlead.Verbs;

/// <summary>The argument of the verbs that look after one model of the server's own.</summary>
internal static class LocalNames
{
    public static Argument<string> Name() => new("name") { Description = "As fairlead ps lists it; local/ may be left out." };
}

using System.Globalization;
using Fairlead.Domain.Problems;

namespace Fairlead.Gateway.Door;

/// <summary>The header <c>x-fairlead-cold</c>: <c>loading; p=0.62; eta=8</c>, the state, the share that is loaded where it is known, and the seconds that are left.</summary>
internal static class ColdHeader
{
    public static string Text(ColdForecast cold)
    {
        string state = cold.State.ToString().ToLowerInvariant();
        string share = cold.Share is { } p ? string.Create(CultureInfo.InvariantCulture, $"; p={p:0.00}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{state}{share}; eta={Math.Ceiling(Math.Max(0, cold.ReadyIn.TotalSeconds)):0}");
    }
}

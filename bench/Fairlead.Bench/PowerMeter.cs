using System.Globalization;

namespace Fairlead.Bench;

/// <summary>The energy that the processors' packages have used, where the machine tells it (RAPL, /sys/class/powercap) and lets us read it.</summary>
internal static class PowerMeter
{
    private static readonly string[] s_packages = Find();

    /// <summary>Joules since some moment in the past; null where the machine does not tell.</summary>
    public static double? Joules()
    {
        if (s_packages.Length == 0)
            return null;
        double joules = 0;
        foreach (string file in s_packages)
            joules += double.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) / 1e6;
        return joules;
    }

    private static string[] Find()
    {
        const string Root = "/sys/class/powercap";
        if (!Directory.Exists(Root))
            return [];
        string[] packages = [.. Directory.GetDirectories(Root, "intel-rapl:?").Select(static folder => Path.Combine(folder, "energy_uj"))];
        try
        {
            foreach (string file in packages)
                _ = File.ReadAllText(file);
            return packages;
        }
        catch (UnauthorizedAccessException)
        {
            return []; // for the administrator alone since Platypus (CVE-2020-8694)
        }
    }
}

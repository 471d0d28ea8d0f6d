using System.Reflection;

namespace Fairlead.Gateway;

/// <summary>The version of this build, as <c>fairlead version</c>, the banner and <c>/health</c> print it.</summary>
public static class ProductVersion
{
    public static string Text { get; } = (typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+')[0];
}

using Fairlead.Gateway.Settings;

namespace Fairlead.Configuration;

/// <summary>Reads a secret from where the configuration says: <c>${env:NAME}</c>, <c>${file:/path}</c>, or, with a warning, from the file itself.</summary>
internal static class SecretReference
{
    /// <param name="node">The value.</param>
    /// <param name="path">Its key, for messages.</param>
    /// <param name="environment">Looks up a variable.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <param name="warnings">Takes what is unwise.</param>
    /// <returns>Null with an error, or where an environment variable is not set.</returns>
    public static Secret? Resolve(Scalar node, string path, Func<string, string?> environment, List<ConfigurationError> errors, List<string> warnings)
    {
        string text = node.Text.Trim();
        if (!text.StartsWith("${", StringComparison.Ordinal))
        {
            warnings.Add($"{node.Source} line {node.Line}: {path} holds the secret itself; ${{env:NAME}} or ${{file:/path}} keeps it out of the file.");
            return new Secret(text);
        }
        string inside = text.EndsWith('}') ? text[2..^1] : "";
        if (inside.StartsWith("env:", StringComparison.Ordinal))
        {
            string name = inside[4..];
            if (environment(name) is { Length: > 0 } value)
                return new Secret(value.Trim());
            errors.Add(new ConfigurationError(node.Source, node.Line, $"{path} names the environment variable {name}, which is not set. Set it, or remove the key."));
            return null;
        }
        if (inside.StartsWith("file:", StringComparison.Ordinal))
            return FromFile(inside[5..], node, path, errors);
        errors.Add(new ConfigurationError(node.Source, node.Line, $"{path} is '{text}'; ${{env:NAME}} or ${{file:/path}} is expected."));
        return null;
    }

    private static Secret? FromFile(string file, Scalar node, string path, List<ConfigurationError> errors)
    {
        try
        {
            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
            if ((File.GetUnixFileMode(file) & Others) != 0)
            {
                errors.Add(new ConfigurationError(node.Source, node.Line, $"{path}: {file} can be read by others. Fix: chmod 600 {file}"));
                return null;
            }
            return new Secret(File.ReadAllText(file).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(new ConfigurationError(node.Source, node.Line, $"{path}: {file} cannot be read ({e.Message}). Check the path and its owner."));
            return null;
        }
    }
}

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
            if (text.Contains("${", StringComparison.Ordinal))
            {
                errors.Add(new ConfigurationError(node.Source, node.Line, $"{path} mixes text with a reference; ${{env:NAME}} or ${{file:/path}} alone is expected."));
                return null;
            }
            if (node.Line > 0) // in the environment is where it belongs
                warnings.Add($"{node.Source} line {node.Line}: {path} holds the secret itself; ${{env:NAME}} or ${{file:/path}} keeps it out of the file.");
            return Checked(text, node, path, errors);
        }
        string inside = text.EndsWith('}') ? text[2..^1] : "";
        if (inside.StartsWith("env:", StringComparison.Ordinal))
        {
            string name = inside[4..];
            if (environment(name) is { Length: > 0 } value)
                return Checked(value.Trim(), node, path, errors);
            errors.Add(new ConfigurationError(node.Source, node.Line, $"{path} names the environment variable {name}, which is not set. Set it, or remove the key."));
            return null;
        }
        if (inside.StartsWith("file:", StringComparison.Ordinal))
            return FromFile(inside[5..], node, path, errors);
        errors.Add(new ConfigurationError(node.Source, node.Line, $"{path} is '{text}'; ${{env:NAME}} or ${{file:/path}} is expected."));
        return null;
    }

    /// <summary>Whether a header can carry it: visible ASCII, in one line.</summary>
    public static bool CanBeSent(string secret) => secret.Length > 0 && !secret.AsSpan().ContainsAnyExceptInRange('!', '~');

    private static Secret? Checked(string secret, Scalar node, string path, List<ConfigurationError> errors)
    {
        if (CanBeSent(secret))
            return new Secret(secret);
        errors.Add(new ConfigurationError(node.Source, node.Line, secret.Length == 0
            ? $"{path} is empty where it comes from. Put the key there, or remove this line."
            : $"{path} holds a space, a line break or another character that no key has (it is not shown). Check what was pasted."));
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
            return Checked(File.ReadAllText(file).Trim(), node, path, errors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(new ConfigurationError(node.Source, node.Line, $"{path}: {file} cannot be read ({e.Message}). Check the path and its owner."));
            return null;
        }
    }
}

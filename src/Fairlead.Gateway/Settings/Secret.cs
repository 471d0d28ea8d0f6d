namespace Fairlead.Gateway.Settings;

/// <summary>A value that must never be formatted into text: it prints <c>***</c>. Equality is by value, so that a reload sees whether it changed.</summary>
public sealed class Secret(string value) : IEquatable<Secret>
{
    /// <summary>The value itself, for the one place that puts it on the wire.</summary>
    public string Reveal() => value;

    public bool Equals(Secret? other) => other is not null && string.Equals(value, other.Reveal(), StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode() => string.GetHashCode(value, StringComparison.Ordinal);

    public override string ToString() => "***";
}

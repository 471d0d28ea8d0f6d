namespace Fairlead.Domain.Catalogue;

/// <summary>A model that its provider has withdrawn, and what there is in its place.</summary>
/// <param name="Model">Its name as the caller wrote it.</param>
/// <param name="Since">The day of the withdrawal; null where it was only noticed and nobody has told the day.</param>
/// <param name="Successor">A model that would serve instead and is offered here; null when none is.</param>
public sealed record Retirement(string Model, DateOnly? Since, string? Successor);

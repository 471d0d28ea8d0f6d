using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet;

/// <summary>One configured model: how its worker is started, and on what terms it is kept.</summary>
/// <param name="Spec">What the worker holds.</param>
/// <param name="Terms">For the plan. <see cref="ModelTerms.FileBytes"/> (where 0) and <see cref="ModelTerms.Edition"/> are found out by the loop, from the
/// files themselves.</param>
public sealed record ServedSpec(WorkerSpec Spec, ModelTerms Terms);

using System.Collections.Concurrent;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Limits;

/// <summary>Budgets that aliases have for themselves (<c>models.NAME.budget</c>), over all keys that use them.</summary>
internal sealed class AliasBudgets(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, SharedAllowance> _byName = new(StringComparer.OrdinalIgnoreCase);

    public SharedAllowance? Find(string alias) => _byName.GetValueOrDefault(alias);

    /// <summary>Puts the budgets of a configuration in force; what was spent stays counted.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="spent">Charged in the running period of an alias's budget, from the ledger.</param>
    public void Apply(GatewaySettings settings, Func<AliasSettings, NanoDollars> spent)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (AliasSettings alias in settings.Aliases)
        {
            if (alias.Budget is null)
            {
                _byName.TryRemove(alias.Name, out _);
                continue;
            }
            var limits = new KeyLimits { Budget = alias.Budget };
            if (_byName.TryGetValue(alias.Name, out SharedAllowance? known))
            {
                lock (known.Gate)
                    known.Allowance.Change(limits, spent(alias), now);
            }
            else
            {
                _byName[alias.Name] = new SharedAllowance(new Allowance(limits, spent(alias), now));
            }
        }
        foreach (string gone in _byName.Keys.Except(settings.Aliases.Select(static a => a.Name), StringComparer.OrdinalIgnoreCase).ToList())
            _byName.TryRemove(gone, out _);
    }
}

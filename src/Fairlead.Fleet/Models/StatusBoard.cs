using System.Collections.Frozen;
using System.Collections.Immutable;
using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Models;

/// <summary>The configured models in their order, and by name in any case. Replaced whole.</summary>
internal sealed class StatusBoard
{
    private readonly FrozenDictionary<string, ServedModel> _byName;

    private StatusBoard(ImmutableArray<ServedModel> models)
    {
        Models = models;
        _byName = models.ToFrozenDictionary(static model => model.Name, StringComparer.OrdinalIgnoreCase);
    }

    public static StatusBoard Empty { get; } = new([]);

    public ImmutableArray<ServedModel> Models { get; }

    public ServedModel? this[string name] => _byName.GetValueOrDefault(name);

    /// <exception cref="ArgumentException">Two of them have one name.</exception>
    public static StatusBoard Of(ImmutableArray<ServedModel> models) => new(models);

    public ImmutableArray<ModelStatus> Statuses()
    {
        ImmutableArray<ModelStatus>.Builder statuses = ImmutableArray.CreateBuilder<ModelStatus>(Models.Length);
        foreach (ServedModel model in Models)
            statuses.Add(model.Status);
        return statuses.MoveToImmutable();
    }
}

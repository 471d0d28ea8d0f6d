namespace Fairlead.Domain.Fleet;

/// <summary>All models that are configured, or still have a worker, by name without case.</summary>
internal sealed class ModelRegister
{
    private readonly Dictionary<string, ModelLife> _models = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>In no order.</summary>
    public IReadOnlyCollection<ModelLife> All => _models.Values;

    /// <summary>Null: there is none of this name.</summary>
    public ModelLife? Find(string name) => _models.GetValueOrDefault(name);

    public void Add(ModelLife model) => _models.Add(model.Terms.Model, model);

    /// <summary>Nothing is left of it. An alarm of one that has gone may still ring when another of its name is there: that one stays.</summary>
    public void Forget(ModelLife model)
    {
        if (_models.GetValueOrDefault(model.Terms.Model) == model)
            _models.Remove(model.Terms.Model);
    }
}

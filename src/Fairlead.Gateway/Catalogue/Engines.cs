using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Catalogue;

/// <summary>How the engine of a configured model is started where it is another's.</summary>
internal static class Engines
{
    /// <summary>Null for our own.</summary>
    public static EngineCommand? Of(LocalModelSettings model)
    {
        if (model.Engine is null && model.Command.IsEmpty)
            return null;
        return new EngineCommand { Engine = model.Engine ?? model.Command[0], Line = [.. model.Command.Select(static word => (System.Collections.Immutable.ImmutableArray<string>)[word])], Memory = model.Memory };
    }
}

using Fairlead.Api;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway;

/// <summary>What the gateway asks of whoever reads its configuration: how a file looks is nothing that it knows.</summary>
/// <param name="Reload">Reads the configuration again and puts it in force; what is wrong with it, or null.</param>
/// <param name="ReadModel">Reads what an administrator wants served as an entry of <c>local:</c> would be read; what is wrong with it in place of the model.</param>
public sealed record ConfigurationHooks(Func<CancellationToken, Task<string?>> Reload, Func<RunRequest, (LocalModelSettings? Model, string? Wrong)> ReadModel);

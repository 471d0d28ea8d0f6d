using System.CommandLine;
using Fairlead;
using Fairlead.Fleet.Isolation;
using Fairlead.Verbs;

// Socket completions run on the thread that learns of them: a third off the CPU time of a request, and safe because nothing on the path blocks.
// It has to be set before the first socket is made. A worker, which reads long prompts, leaves that thread to the sockets.
if (args is not ["worker", ..])
    Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

// Not for the parser, which would read "@file" among an engine's arguments as more arguments.
if (args is ["worker", "exec", "--", .. var engine])
    return EngineStandIn.Run(engine, Console.Error);
if (args is ["worker", ..] && !ChildConduct.Enter(Orphan.Wakes))
    return ExitCodes.Ok;

string[] line = args is ["help", .. var topic] ? [.. topic, "--help"] : args;
RootCommand root = CommandTree.Build();
ParseResult parsed = root.Parse(line);
if (line.Length == 0)
{
    ExamplesFirstHelp.Write(root, Console.Error);
    return ExitCodes.Usage;
}
if (parsed.Errors.Count > 0 && !line.Any(static a => a is "-h" or "--help" or "-?"))
{
    UsageErrors.Write(parsed, Console.Error);
    return ExitCodes.Usage;
}
// Signals are ours: the library would end the process two seconds after the first one, in the middle of a drain. Verbs other than serve end as any program does.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

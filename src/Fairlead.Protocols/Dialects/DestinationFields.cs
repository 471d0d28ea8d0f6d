using System.Collections.Frozen;

namespace Fairlead.Protocols.Dialects;

/// <summary>Fields of other gateways' dialects by which a caller would choose a destination, a credential, a header or an unpriced model.
/// They are refused and not dropped: who sends one expects it to work.</summary>
internal static class DestinationFields
{
    // Without separators and in lower case, so that api_base, apiBase, API-BASE and api.base are one.
    private static readonly FrozenSet<string> Names = FrozenSet.ToFrozenSet(
        [
            "apibase", "apikey", "apitype", "apiversion", "apiurl", "baseurl", "basepath", "url", "uri", "endpoint", "endpointurl", "host", "hostname", "port",
            "proxy", "proxies", "proxyurl", "httpproxy", "httpsproxy", "headers", "header", "extraheaders", "defaultheaders", "customheaders",
            "customllmprovider", "customhost", "customendpoint", "targeturl", "upstream", "upstreamurl", "organization", "authorization", "auth",
            "accesstoken", "bearertoken", "token", "credentials", "azureendpoint", "azureadtoken", "azuredeployment", "awsaccesskeyid",
            "awssecretaccesskey", "awssessiontoken", "awsregionname", "awsprofilename", "awsrolename", "awsbedrockruntimeendpoint",
            "vertexcredentials", "vertexproject", "vertexlocation", "litellmparams", "litellmcredentialname", "modellist", "fallbacks",
            "webhook", "webhookurl", "callback", "callbackurl", "callbacks", "successcallback", "failurecallback", "sslverify", "httpclient",
        ],
        StringComparer.Ordinal);

    private const int Longest = 64;

    public static bool Contains(string name)
    {
        if (name.Length > Longest)
            return false;
        Span<char> plain = stackalloc char[Longest];
        int length = 0;
        foreach (char c in name)
        {
            if (c is not ('_' or '-' or '.' or ' '))
                plain[length++] = char.ToLowerInvariant(c);
        }
        return Names.GetAlternateLookup<ReadOnlySpan<char>>().Contains(plain[..length]);
    }
}

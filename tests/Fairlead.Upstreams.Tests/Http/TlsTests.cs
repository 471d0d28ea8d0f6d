using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;

namespace Fairlead.Upstreams.Tests.Http;

public sealed class TlsTests
{
    private const string Answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

    [Fact]
    public async Task A_certificate_of_the_operators_own_authority_is_accepted_and_the_connection_kept()
    {
        using X509Certificate2 root = Root();
        await using RawServer server = RawServer.Answering(Answer, Leaf(root, "localhost"));
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = To(server, transport, root);
        for (int i = 0; i < 20; i++)
            Assert.Equal((null, "{}", BodyKind.Json), await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default)));
        Assert.Equal(1, server.Accepted);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("not yet valid")]
    [InlineData("wrong host")]
    [InlineData("other root")]
    [InlineData("no root")]
    [InlineData("self-signed")]
    public async Task A_bad_certificate_is_a_fault_and_no_request_leaves(string why)
    {
        using X509Certificate2 root = Root();
        using X509Certificate2 other = Root();
        X509Certificate2 leaf = why switch
        {
            "expired" => Leaf(root, "localhost", -20, -10),
            "not yet valid" => Leaf(root, "localhost", 10, 20),
            "wrong host" => Leaf(root, "elsewhere.test"),
            "other root" => Leaf(other, "localhost"),
            "self-signed" => Leaf(null, "localhost"),
            _ => Leaf(root, "localhost"),
        };
        await using RawServer server = RawServer.Answering(Answer, leaf);
        using var transport = new UpstreamTransport(TimeProvider.System);
        UpstreamReply reply = await To(server, transport, why == "no root" ? null : root).OpenAsync(Client.Call(), default);
        UpstreamFault fault = Assert.IsType<UpstreamReply.Refused>(reply).Fault;
        Assert.Equal((FaultKind.Tls, true, 0), (fault.Kind, fault.NothingSent, server.Requests));
        Assert.Equal(0, transport.Figures[0].Open);
    }

    [Fact]
    public async Task A_server_that_speaks_no_tls_or_hangs_up_in_the_handshake_is_a_tls_fault()
    {
        await using var plain = new RawServer(async c => await c.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"));
        using var transport = new UpstreamTransport(TimeProvider.System);
        UpstreamReply reply = await Client.To(new Uri($"https://localhost:{plain.Port}/"), transport).OpenAsync(Client.Call(), default);
        Assert.Equal(FaultKind.Tls, Assert.IsType<UpstreamReply.Refused>(reply).Fault.Kind);
    }

    private static OpenAiUpstream To(RawServer server, UpstreamTransport transport, X509Certificate2? root) =>
        new(new OpenAiEndpoint(server.Url) { Roots = root is null ? null : [root] }, transport, Client.Classify);

    private static X509Certificate2 Root()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=root {RandomNumberGenerator.GetHexString(8)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(30));
    }

    private static X509Certificate2 Leaf(X509Certificate2? root, string host, int fromDays = -1, int toDays = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset from = DateTimeOffset.UtcNow.AddDays(fromDays);
        DateTimeOffset to = DateTimeOffset.UtcNow.AddDays(toDays);
        using X509Certificate2 bare = root is null
            ? request.CreateSelfSigned(from, to)
            : request.Create(root, from, to, RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(bare.Export(X509ContentType.Pfx), null);
    }
}

using System.Text;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Settings;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Gateway.Tests.Money;

/// <summary>L-07: what is held covers what a request can cost.</summary>
public sealed class ReservationTests
{
    /// <summary>The worst a provider may bill: every byte of text a token, every image the dearest, all of the output limit, all of it for each choice, whichever
    /// part of the input its cache wrote, and all the time that a request may take. Where no output limit is set, an answer of the assumed length.</summary>
    [Fact]
    public void The_reservation_covers_the_worst_answer_of_5000_generated_requests()
    {
        var random = new Random(20261126);
        var limits = new LimitSettings();
        var dispatch = new DispatchSettings { Total = TimeSpan.FromSeconds(600) };
        for (int i = 0; i < 5_000; i++)
        {
            (Route route, string body, long textTokens, int images, long? maxTokens, int choices) = Generate(random);
            ScannedRequest? scanned = RequestScanner.Scan(route, Encoding.UTF8.GetBytes(body), RequestLimits.Default, out Domain.Problems.Problem? problem);
            Assert.True(scanned is not null, $"{problem?.Message}: {body}");
            var offers = new List<Candidate>();
            for (int n = random.Next(1, 4); n > 0; n--)
                offers.Add(new Candidate(Offer(random, route), OfferCondition.Unknown));

            NanoDollars held = Reservation.Most(scanned.Request, offers, dispatch, limits);

            foreach (Candidate candidate in offers)
            {
                Offer offer = candidate.Offer;
                long input = textTokens + images * RequestLimits.Default.TokensPerImageAtMost;
                long output = route == Route.Embeddings ? 0 : Math.Min(maxTokens ?? limits.AssumedOutputTokens, offer.MaxOutputTokens ?? offer.ContextLength ?? long.MaxValue) * choices;
                long cached = random.NextInt64(0, input + 1);
                long written = random.NextInt64(0, input - cached + 1);
                NanoDollars worst = offer.Price!.For(new Usage(input, output, cached, written, output, random.NextInt64(written + 1)) { ComputeTime = dispatch.Total });
                Assert.True(worst <= held, $"{worst} is more than {held} held: {body}");
            }
        }
    }

    private static (Route Route, string Body, long TextTokens, int Images, long? MaxTokens, int Choices) Generate(Random random)
    {
        string text = new([.. Enumerable.Range(0, random.Next(1, 400)).Select(_ => "abc déä 世🌍"[random.Next(8)])]);
        long tokens = Encoding.UTF8.GetByteCount(text);
        long? most = random.Next(3) == 0 ? null : random.Next(0, 200_000);
        string limit = most is null ? "" : $",\"{(random.Next(2) == 0 ? "max_tokens" : "max_completion_tokens")}\":{most}";
        if (random.Next(6) == 0)
            return (Route.Embeddings, $"{{\"model\":\"m\",\"input\":[\"{text}\",\"{text}\"]}}", 2 * tokens, 0, null, 1);
        int n = random.Next(3) == 0 ? random.Next(1, 9) : 1;
        if (random.Next(5) == 0)
        {
            int best = random.Next(2) == 0 ? n + random.Next(0, 4) : 0;
            string bestOf = best > 0 ? $",\"best_of\":{best}" : "";
            return (Route.Completions, $"{{\"model\":\"m\",\"prompt\":[\"{text}\",\"{text}\"],\"n\":{n}{bestOf}{limit}}}", 2 * tokens, 0, most, 2 * Math.Max(n, best));
        }
        int images = random.Next(4) == 0 ? random.Next(1, 4) : 0;
        string parts = string.Concat(Enumerable.Repeat(",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}}", images));
        string tools = random.Next(3) == 0 ? $",\"tools\":[{{\"type\":\"function\",\"function\":{{\"name\":\"f\",\"description\":\"{text}\",\"parameters\":{{\"type\":\"object\"}}}}}}]" : "";
        if (tools.Length > 0)
            tokens *= 2;
        string effort = random.Next(4) == 0 ? ",\"reasoning_effort\":\"high\"" : "";
        return (Route.Chat,
            $"{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}{parts}]}}],\"n\":{n}{tools}{effort}{limit}}}",
            tokens, images, most, n);
    }

    private static Offer Offer(Random random, Route route)
    {
        TokenPrice Price() => new(new NanoDollars(random.NextInt64(0, 75_000_000_000)));
        return new Offer
        {
            Index = 0,
            ModelId = "m",
            Provider = "p",
            ProviderModelId = "m",
            Routes = RouteSet.Chat | RouteSet.Completions | RouteSet.Embeddings,
            Price = new OfferPrice(Price(), route == Route.Embeddings ? default : Price(), random.Next(2) == 0 ? Price() : null, random.Next(2) == 0 ? Price() : null,
                random.Next(2) == 0 ? Price() : null, random.Next(2) == 0 ? new HourlyPrice(new NanoDollars(random.NextInt64(0, 100_000_000_000))) : null),
            ContextLength = random.Next(2) == 0 ? random.Next(1_000, 1_000_000) : null,
            MaxOutputTokens = random.Next(2) == 0 ? random.Next(1, 128_000) : null,
        };
    }
}

using System.Globalization;
using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Gateway.Tests.Money;

/// <summary>L-11. The expected amounts were computed outside the product, in whole numbers, from the shipped prices: price of input, output, cached
/// input and cache write in dollars per million (a dash where the sheet has none), the usage as a provider sends it, nano-dollars.</summary>
public sealed class PricingGoldenTests
{
    [Fact]
    public void Every_golden_usage_costs_its_golden_amount()
    {
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "pricing-goldens.tsv"));
        Assert.InRange(lines.Length, 300, 1_000);
        foreach (string line in lines)
        {
            string[] cells = line.Split('\t');
            var price = new OfferPrice(Price(cells[0])!.Value, Price(cells[1])!.Value, Price(cells[2]), Price(cells[3]));
            Usage reported = UsageReader.Read(Encoding.UTF8.GetBytes(cells[4]), ResponseQuirks.None)!.Value;
            (Usage usage, UsageSource source) = UsageBounds.Bound(reported, 0, 1_000_000, 1_000_000);
            Assert.Equal((UsageSource.Reported, line), (source, line));
            Assert.Equal((line, long.Parse(cells[5], CultureInfo.InvariantCulture)), (line, price.For(usage).Value));
        }
    }

    private static TokenPrice? Price(string text) =>
        text == "-" ? null : NanoDollars.TryParseDollars(text, out NanoDollars amount) ? new TokenPrice(amount) : throw new FormatException(text);
}

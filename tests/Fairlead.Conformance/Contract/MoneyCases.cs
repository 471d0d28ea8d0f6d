using System.Globalization;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>What is charged, and what an empty purse or a rate refuses. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class MoneyCases(ContractYard yard)
{
    [Fact]
    public async Task Case_117_an_empty_purse_is_402_and_nothing_is_sent()
    {
        string key = await yard.Fairlead.CreateKeyAsync("poor", "--budget", "0.000001/day");
        int before = yard.Asked;

        RawAnswer answer = await yard.ChatAsync(key: key);

        Refused(answer, 402, "budget_reached");
        Assert.Equal("false", answer.Header("x-should-retry"));
        Assert.Equal(before, yard.Asked);
    }

    [Fact]
    public async Task Case_119_what_failed_costs_nothing()
    {
        yard.Fast.On("broken", "503 JS {\"error\":{\"message\":\"no\"}}");

        RawAnswer answer = await yard.ChatAsync("acme/broken");

        Assert.InRange(answer.Status, 500, 599);
        Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
        Assert.Equal(0, await yard.CostOfAsync(answer));
    }

    [Fact]
    public async Task Case_120_the_cost_in_the_answer_is_that_of_the_ledger()
    {
        RawAnswer answer = await yard.ChatAsync(ContractYard.Model + ":cheap");

        decimal told = answer.Json.GetProperty("usage").GetProperty("cost").GetDecimal();
        Assert.Equal(told * 1_000_000_000m, await yard.CostOfAsync(answer));
        Assert.Equal(told.ToString("F9", CultureInfo.InvariantCulture), answer.Header("x-fairlead-cost"));
        Assert.Equal((3 * 100) + (2 * 300), await yard.CostOfAsync(answer));
    }

    [Fact]
    public async Task Case_126_over_the_rate_it_is_429_with_the_time_to_wait()
    {
        string key = await yard.Fairlead.CreateKeyAsync("slow", "--rpm", "1");
        Assert.Equal(200, (await yard.ChatAsync(key: key)).Status);

        RawAnswer answer = await yard.ChatAsync(key: key);

        Refused(answer, 429, "rate_limited");
        Assert.InRange(int.Parse(answer.Header("retry-after")!, CultureInfo.InvariantCulture), 1, 60);
        Assert.Matches("^\"requests\";r=0;t=[0-9]+$", answer.Header("ratelimit"));
        Assert.Equal("\"fixed window\";\"requests\";q=1;w=60", answer.Header("ratelimit-policy"));
    }
}

using System.Globalization;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Limits;
using Fairlead.Protocols.Dialects;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Dispatch;

/// <summary>What every answer says about itself, in the same words everywhere: who served it, by which policy, at which try, for how much.</summary>
internal static class AnswerHeaders
{
    /// <summary>Seconds that a model of our own computed a whole answer, as Hugging Face's servers say it. Of a stream it is not known when the headers leave.</summary>
    public const string ComputeTime = "x-compute-time";

    /// <summary><c>true</c> on a count of tokens that is our own guess, since nobody who knows the model's tokens could be asked.</summary>
    public const string Estimated = "x-fairlead-estimated";

    /// <param name="headers">Of an answer that has not begun.</param>
    /// <param name="exchange">The request, as far as it came.</param>
    /// <param name="admission">For what the caller has left.</param>
    /// <param name="charged">Null while the charge is not known: a stream's headers leave before its end.</param>
    /// <param name="now">For the times until limits reset.</param>
    public static void Write(IHeaderDictionary headers, Exchange exchange, Admission admission, NanoDollars? charged, DateTimeOffset now)
    {
        // A stream's headers leave while its serving attempt is still under way. One that had to begin before anybody has answered names nobody: who failed so far
        // is not who serves it, and at which try it will be served is not known.
        int underWay = charged is null && exchange.Served is not null ? 1 : 0;
        bool open = charged is null && exchange.Served is null;
        if (!open)
            headers["x-fairlead-attempts"] = (exchange.Attempts.Count + underWay).ToString(CultureInfo.InvariantCulture);
        if (exchange.Scanned is { } scanned)
            headers["x-fairlead-policy"] = HeaderSafe(scanned.Request.Preferences.PolicyWord);
        if (exchange.Served is { } served)
        {
            headers["x-fairlead-provider"] = HeaderSafe(served.Offer.Provider);
            headers["x-fairlead-model"] = HeaderSafe(served.Offer.ModelId);
            headers["x-inference-provider"] = HeaderSafe(served.Offer.Provider);
            RetirementHeaders.Write(headers, served.Offer, exchange.Retired);
            string? adapted = RequestDialects.Adapted(exchange.Scanned!, exchange.Body.Span, served.Edits);
            if (exchange.Ignored is { } ignored)
                adapted = adapted is null ? HeaderSafeList(ignored) : $"{adapted}, {HeaderSafeList(ignored)}";
            if (adapted is not null)
                headers["x-fairlead-adapted"] = adapted;
        }
        else if (!open && exchange.Attempts.Count > 0)
        {
            // Also on a failure callers can see who failed.
            string last = exchange.Attempts[^1].Offer;
            string provider = HeaderSafe(last[..Math.Max(0, last.IndexOf('/', StringComparison.Ordinal))]);
            headers["x-fairlead-provider"] = provider;
            headers["x-inference-provider"] = provider;
        }
        // A stream that had to begin before its model was loaded; a refusal says the same by itself.
        if (charged is null && exchange.Place?.Status is { } status)
            headers["x-fairlead-cold"] = ColdHeader.Text(new ColdForecast(status.State, status.ReadyIn, status.Share));
        if (charged is { } amount)
            headers["x-fairlead-cost"] = amount.ToString();
        if (exchange.Route.Dialect() == Dialect.OpenAi)
            headers["openai-processing-ms"] = ((long)exchange.ElapsedMs).ToString(CultureInfo.InvariantCulture);
        if (exchange.Caller is { } caller)
            LimitHeaders.Write(headers, exchange.Route.Dialect(), admission.View(caller), now);
    }

    private static string HeaderSafeList(string names) => string.Join(", ", names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(HeaderSafe));

    /// <summary>Names come from the operator's configuration and the price sheet; a header still carries visible ASCII only.</summary>
    internal static string HeaderSafe(string text)
    {
        foreach (char c in text)
        {
            if (c is < '!' or > '~')
                return new string([.. text.Select(static c => c is < '!' or > '~' ? '?' : c)]);
        }
        return text;
    }
}

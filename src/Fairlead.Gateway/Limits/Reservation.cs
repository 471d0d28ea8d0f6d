using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Limits;

/// <summary>How much a request can cost at most: what is held for it before anything is sent.</summary>
internal static class Reservation
{
    /// <summary>The dearest of the candidates that may be asked, at the most tokens that the request allows and the longest that it may run.</summary>
    /// <remarks>Where the caller set no limit for the output and the catalogue knows none below it,
    /// <see cref="LimitSettings.AssumedOutputTokens"/> are assumed: holding a model's whole output limit (often 128k tokens) would refuse
    /// a "hello" to a small budget. What an answer costs beyond that is charged as far as the budget has room, and written off beyond.
    /// Of time, <see cref="DispatchSettings.Total"/> is held: how fast a model will be is not known before, and then the request is ended.</remarks>
    public static NanoDollars Most(InferenceRequest request, IReadOnlyList<Candidate> candidates, DispatchSettings dispatch, LimitSettings limits)
    {
        NanoDollars most = NanoDollars.Zero;
        int asked = Math.Min(dispatch.Attempts, candidates.Count);
        for (int i = 0; i < asked; i++)
        {
            Offer offer = candidates[i].Offer;
            NanoDollars cost = offer.Price!.MostFor(request.InputTokensAtMost, OutputTokens(request, offer, limits) * request.Choices, dispatch.Total);
            if (cost > most)
                most = cost;
        }
        return most;
    }

    /// <summary>Tokens that the request is expected to take of a tokens-per-minute limit.</summary>
    public static long Tokens(InferenceRequest request, Offer first, LimitSettings limits) =>
        request.InputTokensExpected + OutputTokens(request, first, limits) * request.Choices;

    private static long OutputTokens(InferenceRequest request, Offer offer, LimitSettings limits)
    {
        if (request.Route == Route.Embeddings)
            return 0;
        long modelMost = offer.MaxOutputTokens ?? offer.ContextLength ?? long.MaxValue;
        return Math.Min(request.MaxOutputTokens ?? limits.AssumedOutputTokens, modelMost);
    }
}

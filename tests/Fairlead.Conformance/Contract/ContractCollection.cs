namespace Fairlead.Conformance.Contract;

/// <summary>The conformance cases of the wire contract, by their numbers, against the built product over real sockets.</summary>
/// <remarks>
/// Where the contract of Hugging Face's router and OpenAI's clients disagree about the form of an error, the object form holds on <c>/v1/*</c>
/// (a string's text is lost on newer OpenAI clients), with <c>X-Error-Message</c> beside it for those who read that.
/// Not here, because what they are about does not exist yet: short-lived tokens and permissions within a token (4, 6, 8), the Hub's own API (66 to 72),
/// task routes (74 to 95, but 93, which holds for any body), cold starts of models of our own (96 to 102), reranking (108), Responses and Messages (110 to 116;
/// their routes answer 404), plans and organisations (122 to 125), dedicated endpoints (128 to 135), provider pass-through (137 to 141), a caller's own provider
/// keys (53). Elsewhere: 39 in the tests of the vendors' clients, 15, 17 and 18 also in the tests of bad input, 117 and 120 under load in the tests of the gateway,
/// 31 and 34, checking an answer against its schema, is the provider's work: what is asked is forwarded in its form (32, 33).
/// </remarks>
[CollectionDefinition]
public sealed class ContractCollection : ICollectionFixture<ContractYard>;

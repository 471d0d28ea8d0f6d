using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Api;
using Fairlead.Domain.Money;

namespace Fairlead.Verbs;

/// <summary>A conversation over the data plane, as any other client would hold it.</summary>
internal sealed class ChatSession : IDisposable
{
    private readonly ChatConnection _connection;
    private readonly JsonArray _messages = [];
    private readonly bool _json;
    private NanoDollars _cost;

    private ChatSession(ChatConnection connection, string model, string? system, bool json)
    {
        _connection = connection;
        _json = json;
        Model = model;
        if (system is not null)
            _messages.Add((JsonNode)new JsonObject { ["role"] = "system", ["content"] = system });
    }

    public string Model { get; set; }

    /// <summary>US dollars so far, nine places.</summary>
    public string Cost => _cost.ToString();

    /// <summary>Finds the server, a key and a model, and runs the verb; prints what stands in the way.</summary>
    public static Task<int> RunAsync(ParseResult parsed, Func<ChatSession, Task<int>> act) => CommonOptions.WithServerAsync(parsed, async client =>
    {
        ServerStatus status = await client.StatusAsync(default);
        string firstKey = Path.Combine(status.Data, "first-key");
        string? key = Environment.GetEnvironmentVariable("FAIRLEAD_KEY");
        if (parsed.GetValue(ChatOptions.KeyFile) is { } file || (key is null && File.Exists(file = firstKey)))
        {
            try
            {
                key = (await File.ReadAllTextAsync(file)).Trim();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"The key cannot be read: {Terminal.Safe(e.Message)} Check the path and its owner.");
                return ExitCodes.Auth;
            }
        }
        if (string.IsNullOrEmpty(key))
        {
            await Console.Error.WriteLineAsync("There is no key: the first key's file is gone. Make one with 'fairlead keys create --name me' and give it in $FAIRLEAD_KEY or a --key-file.");
            return ExitCodes.Auth;
        }
        if (key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            await Console.Error.WriteLineAsync("The key is no Fairlead key: it holds spaces or other characters that no key has. They start with hf_FL and have 37 characters.");
            return ExitCodes.Auth;
        }
        string? model = parsed.GetValue(ChatOptions.Model);
        if (model is null)
        {
            List<ModelView> models = await client.ModelsAsync(null, null, default);
            // What costs nothing first, what is charged by the hour after what is charged by tokens, and the guide, which knows one thing, last.
            model = models.SelectMany(static m => m.Offers.Where(CanBeAsked).Select(o => (m.Id, Offer: o)))
                .OrderBy(static pair => pair.Id == Domain.Catalogue.Model.GuideId)
                .ThenBy(static pair => pair.Offer.Output is { } price ? decimal.Parse(price, CultureInfo.InvariantCulture) : decimal.MaxValue).FirstOrDefault().Id;
        }
        if (model is null)
        {
            await Console.Error.WriteLineAsync("There is no model to talk to. Set a provider's key, such as TOGETHER_API_KEY, start a local runner such as Ollama, or let the configuration have 'guide: true', and restart the server.");
            return ExitCodes.Unavailable;
        }
        using var session = new ChatSession(new ChatConnection(new Uri(status.Listen), key), model, parsed.GetValue(ChatOptions.System), parsed.GetValue(CommonOptions.Json));
        return await act(session);
    });

    /// <summary>Says something and prints the answer as it comes.</summary>
    public async Task<int> SayAsync(string text, JsonNode? format, CancellationToken cancellationToken)
    {
        _messages.Add((JsonNode)new JsonObject { ["role"] = "user", ["content"] = text });
        var request = new JsonObject
        {
            ["model"] = Model,
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
            ["messages"] = _messages.DeepClone(),
        };
        if (format is not null)
            request["response_format"] = format;
        var answer = new StringBuilder();
        ChatOutcome outcome = await _connection.StreamAsync(request, piece =>
        {
            answer.Append(piece);
            if (!_json)
                Console.Out.Write(Terminal.Safe(piece));
        }, cancellationToken);
        if (answer.Length > 0 && !_json)
            await Console.Out.WriteLineAsync();
        if (outcome.Error is { } error)
        {
            await Console.Error.WriteLineAsync(Terminal.Safe(error));
            _messages.RemoveAt(_messages.Count - 1);
            // The dialect answers 400 to a model that it does not know; for a script that is "not found" all the same.
            return outcome.Code is "model_not_found" ? ExitCodes.NotFound : ExitCodes.Of(outcome.Status == HttpStatusCode.OK ? 502 : (int)outcome.Status);
        }
        _messages.Add((JsonNode)new JsonObject { ["role"] = "assistant", ["content"] = answer.ToString() });
        _cost += outcome.Cost;
        if (_json)
        {
            Terminal.Json(new JsonObject
            {
                ["id"] = outcome.RequestId,
                ["model"] = Model,
                ["provider"] = outcome.Provider,
                ["content"] = answer.ToString(),
                ["cost_usd"] = outcome.Cost.ToString(),
            });
        }
        else if (!Console.IsErrorRedirected)
            await Console.Error.WriteLineAsync($"{Terminal.Safe(Model)} · {Terminal.Safe(outcome.Provider)} · ${outcome.Cost}");
        return ExitCodes.Ok;
    }

    /// <summary>Takes the last answer back and asks again.</summary>
    public async Task<int> RetryAsync(CancellationToken cancellationToken)
    {
        if (_messages.Count < 2)
        {
            await Console.Error.WriteLineAsync("There is no answer yet to ask for again.");
            return ExitCodes.Ok;
        }
        string last = (string)_messages[^2]!["content"]!;
        _messages.RemoveAt(_messages.Count - 1);
        _messages.RemoveAt(_messages.Count - 1);
        return await SayAsync(last, null, cancellationToken);
    }

    private static bool CanBeAsked(OfferView offer) => offer.Status is not ("gone" or "resting" or "price_unknown" or "parked") && (offer.Output ?? offer.PerHour) is not null;

    public string Transcript() => _messages.ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    public void Dispose() => _connection.Dispose();
}

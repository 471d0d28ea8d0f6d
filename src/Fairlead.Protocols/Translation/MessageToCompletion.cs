using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>A whole message as a chat completion.</summary>
internal static class MessageToCompletion
{
    /// <param name="body">As checked by <see cref="MessagesWhole"/>.</param>
    /// <param name="check">The check's result, without a fault.</param>
    /// <param name="expected">The request.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in StreamExpectations expected, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        JsonObject message = MessagesWhole.Parse(check.Mended ?? body);
        string id = message["id"].AsText() is { Length: > 0 } given ? given : expected.FallbackId;
        var said = new Said(id);
        foreach (JsonNode? block in message["content"] as JsonArray ?? [])
        {
            if (block is JsonObject content)
                said.Take(content);
        }
        JsonObject end = ChoiceEnd.From(
            message["stop_reason"].AsText() ?? "end_turn", said.HasCalls, message["stop_sequence"], message["stop_details"] as JsonObject, out string? refusal);
        var choice = new JsonObject { ["index"] = 0, ["message"] = said.Message(refusal), ["logprobs"] = null };
        foreach ((string name, JsonNode? value) in end)
            choice[name] = value?.DeepClone();
        var answer = new JsonObject
        {
            ["id"] = id,
            ["object"] = "chat.completion",
            ["created"] = expected.CreatedUnix,
            ["model"] = message["model"].AsText() is { Length: > 0 } model ? model : expected.FallbackModel,
            ["choices"] = new JsonArray(choice),
            ["usage"] = ChatUsage.Complete(usage, cost),
        };
        output.Append(Encoding.UTF8.GetBytes(answer.ToJsonString(LooseJson.Relaxed)));
    }

    /// <summary>What the blocks say, put together; what the provider's own tools did is left out.</summary>
    private sealed class Said(string messageId)
    {
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _reasoning = new();
        private readonly UrlCitations _citations = new();
        private readonly JsonArray _annotations = [];
        private readonly JsonArray _thinking = [];
        private readonly JsonArray _calls = [];
        private bool _hasText;

        public bool HasCalls => _calls.Count > 0;

        public void Take(JsonObject block)
        {
            switch (block["type"].AsText())
            {
                case "text":
                    TakeText(block);
                    break;
                case "thinking":
                    _reasoning.Append(block["thinking"].AsText());
                    _thinking.Add((JsonNode)new JsonObject { ["type"] = "thinking", ["thinking"] = block["thinking"].AsText() ?? "", ["signature"] = block["signature"].AsText() ?? "" });
                    break;
                case "redacted_thinking":
                    _thinking.Add((JsonNode)new JsonObject { ["type"] = "redacted_thinking", ["data"] = block["data"].AsText() ?? "" });
                    break;
                case "tool_use":
                    _calls.Add((JsonNode)new JsonObject
                    {
                        ["id"] = block["id"].AsText() is { Length: > 0 } id ? id : CallIds.For(messageId, 0, _calls.Count),
                        ["type"] = "function",
                        ["function"] = new JsonObject
                        {
                            ["name"] = block["name"].AsText() ?? "",
                            ["arguments"] = (block["input"] as JsonObject ?? []).ToJsonString(LooseJson.Relaxed),
                        },
                    });
                    break;
            }
        }

        public JsonObject Message(string? refusal)
        {
            var message = new JsonObject
            {
                ["role"] = "assistant",
                ["content"] = _hasText || !HasCalls ? _text.ToString() : null,
                ["refusal"] = refusal,
            };
            if (_reasoning.Length > 0)
                message["reasoning_content"] = _reasoning.ToString();
            if (_thinking.Count > 0)
                message["thinking_blocks"] = _thinking;
            if (_annotations.Count > 0)
                message["annotations"] = _annotations;
            if (HasCalls)
                message["tool_calls"] = _calls;
            return message;
        }

        private void TakeText(JsonObject block)
        {
            string text = block["text"].AsText() ?? "";
            _hasText |= text.Length > 0;
            _text.Append(text);
            _citations.Begin();
            _citations.Count(Encoding.UTF8.GetBytes(text.Replace('\\', '/'))); // no escapes here, so none may be seen
            foreach (JsonNode? citation in block["citations"] as JsonArray ?? [])
            {
                if (citation is JsonObject given)
                    _citations.Add(given);
            }
            foreach (JsonNode? annotation in _citations.End(numbered: false) ?? [])
                _annotations.Add(annotation!.DeepClone());
        }
    }
}

using System.Text;
using System.Text.Json;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Answers;

/// <summary>One choice of a chat that is answered whole: what its deltas add up to.</summary>
internal sealed class ChatChoice
{
    private readonly StringBuilder _content = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<(string Id, string Name, StringBuilder Arguments)> _calls = [];
    private readonly List<AnswerToken> _tokens = [];
    private string _finish = "stop";

    public void Take(ChatEvent delta)
    {
        switch (delta)
        {
            case ChatEvent.Content content:
                _content.Append(content.Text);
                break;
            case ChatEvent.Reasoning reasoning:
                _reasoning.Append(reasoning.Text);
                break;
            case ChatEvent.CallStarted call:
                _calls.Add((call.Id, call.Name, new StringBuilder()));
                break;
            case ChatEvent.CallArguments arguments:
                _calls[arguments.Index].Arguments.Append(arguments.Fragment);
                break;
        }
    }

    public void Take(IEnumerable<AnswerToken> tokens) => _tokens.AddRange(tokens);

    public void End(string finish) => _finish = finish;

    /// <summary>Writes the element of <c>choices</c>.</summary>
    public void Write(Utf8JsonWriter json, int index, TokenSpelling? spelling)
    {
        json.WriteStartObject();
        json.WriteNumber("index", index);
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        // An answer that only calls tools has no content, which clients read as null and not as "".
        if (_content.Length == 0 && _calls.Count > 0)
            json.WriteNull("content");
        else
            json.WriteString("content", _content.ToString());
        if (_reasoning.Length > 0)
            json.WriteString("reasoning_content", _reasoning.ToString());
        json.WriteNull("refusal");
        if (_calls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach ((string id, string name, StringBuilder arguments) in _calls)
            {
                json.WriteStartObject();
                json.WriteString("id", id);
                json.WriteString("type", "function");
                json.WriteStartObject("function");
                json.WriteString("name", name);
                json.WriteString("arguments", arguments.ToString());
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
        if (spelling is not null)
            spelling.WriteChat(json, _tokens);
        else
            json.WriteNull("logprobs");
        json.WriteString("finish_reason", _finish);
        json.WriteEndObject();
    }
}

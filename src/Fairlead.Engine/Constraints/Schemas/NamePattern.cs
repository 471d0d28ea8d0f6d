using System.Text;
using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>A pattern of names; also tells by itself whether a declared name matches.</summary>
internal sealed record NamePattern(string Text, RegexNode Regex, string Pointer)
{
    private Automaton? _automaton;

    public bool Matches(string name)
    {
        if (_automaton is null)
        {
            var builder = new GrammarBuilder();
            int start = builder.Count;
            int root = builder.Lexeme(new TextLanguage(builder).Containing(Regex, Spelling.Plain, Pointer));
            _automaton = new Automaton(new Grammar(builder, new Segment(start, builder.Count, root)));
        }

        int state = _automaton.Start;
        foreach (byte value in Encoding.UTF8.GetBytes(name))
            state = _automaton.Step(state, value);
        return _automaton.MayEnd(state);
    }
}

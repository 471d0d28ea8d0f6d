using System.Text;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Reads texts byte by byte against a constraint, without any vocabulary.</summary>
internal static class Reading
{
    /// <summary>The first byte that may not come, the length where the text ends too early, null where it is accepted.</summary>
    public static int? RefusedAt(ConstraintSpec spec, string text) => RefusedAt(new Automaton(GrammarCompiler.Compile(spec)), Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="RefusedAt(ConstraintSpec, string)"/>
    public static int? RefusedAt(Automaton automaton, ReadOnlySpan<byte> text)
    {
        int state = automaton.Start;
        for (int at = 0; at < text.Length; at++)
        {
            state = automaton.Step(state, text[at]);
            if (state == Automaton.Never)
                return at;
        }

        return automaton.MayEnd(state) ? null : text.Length;
    }

    public static ConstraintSpec Schema(string json) => new ConstraintSpec.JsonSchema(json);

    public static ConstraintSpec Regex(string pattern) => new ConstraintSpec.Regex(pattern);
}

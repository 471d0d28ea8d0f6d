namespace Fairlead.Engine.Templates;

/// <summary>A part of a template that writes or changes something. <see cref="Line"/> counts from 1.</summary>
internal abstract record Statement(int Line);

/// <summary>Text as it stands.</summary>
internal sealed record DataStatement(string Text, int Line) : Statement(Line);

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record OutputStatement(Expression Value, int Line) : Statement(Line);

/// <summary><c>{% if %}</c> with its <c>elif</c> branches; the last one without condition is <c>else</c>.</summary>
internal sealed record IfStatement(IReadOnlyList<(Expression? Condition, Block Body)> Branches, int Line) : Statement(Line);

/// <summary><c>{% for target in items if filter recursive %}…{% else %}…{% endfor %}</c>.</summary>
internal sealed record ForStatement(Target Target, Expression Items, Expression? Filter, Block Body, Block? Else, bool IsRecursive, int Line) : Statement(Line);

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed record SetStatement(Target Target, Expression Value, int Line) : Statement(Line);

/// <summary><c>{% set target | filter %}body{% endset %}</c>: filters are applied to what the body writes; see <see cref="BodyExpression"/>.</summary>
internal sealed record SetBlockStatement(Target Target, Expression Value, Block Body, int Line) : Statement(Line);

/// <summary><c>{% filter a | b %}body{% endfilter %}</c>.</summary>
internal sealed record FilterStatement(Expression Value, Block Body, int Line) : Statement(Line);

/// <summary><c>{% macro name(a, b=1) %}body{% endmacro %}</c>.</summary>
internal sealed record MacroStatement(MacroSyntax Macro, int Line) : Statement(Line);

/// <summary><c>{% call(a) macro(…) %}body{% endcall %}</c>: the body is what the macro's <c>caller(…)</c> writes.</summary>
internal sealed record CallStatement(MacroSyntax Caller, CallExpression Call, int Line) : Statement(Line);

/// <summary><c>{% with a = 1 %}body{% endwith %}</c>.</summary>
internal sealed record WithStatement(IReadOnlyList<(Target Target, Expression Value)> Values, Block Body, int Line) : Statement(Line);

/// <summary><c>{% generation %}body{% endgeneration %}</c>: marks what the assistant said, for training. Rendered as its body.</summary>
internal sealed record GenerationStatement(Block Body, int Line) : Statement(Line);

/// <summary><c>{% break %}</c> or <c>{% continue %}</c>.</summary>
internal sealed record JumpStatement(bool IsBreak, int Line) : Statement(Line);

/// <summary>Statements in order.</summary>
internal sealed record Block(IReadOnlyList<Statement> Statements);

/// <summary>A macro or the body of a call block.</summary>
/// <param name="TakesMore">Whether the body speaks of <c>varargs</c>, <c>kwargs</c> or <c>caller</c>: only then they may be given.</param>
internal sealed record MacroSyntax(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, Block Body, MacroExtras TakesMore);

[Flags]
internal enum MacroExtras
{
    None = 0,
    Positional = 1,
    Named = 2,
    Caller = 4,
}

/// <summary>What a <c>set</c> or <c>for</c> assigns to.</summary>
internal abstract record Target;

internal sealed record NameTarget(string Name) : Target;

/// <summary><c>ns.member</c>.</summary>
internal sealed record MemberTarget(string Name, string Member) : Target;

internal sealed record TupleTarget(IReadOnlyList<Target> Items) : Target;

/// <summary>A part of a template that has a value.</summary>
internal abstract record Expression(int Line);

internal sealed record ConstantExpression(Value Value, int Line) : Expression(Line);

internal sealed record NameExpression(string Name, int Line) : Expression(Line);

/// <summary>The text that the body of a <c>filter</c> or <c>set</c> block wrote.</summary>
internal sealed record BodyExpression(int Line) : Expression(Line);

internal sealed record ListExpression(IReadOnlyList<Expression> Items, bool IsTuple, int Line) : Expression(Line);

internal sealed record DictExpression(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

/// <summary><c>- + not</c>.</summary>
internal sealed record UnaryExpression(string Sign, Expression Operand, int Line) : Expression(Line);

/// <summary>Arithmetic.</summary>
internal sealed record BinaryExpression(string Sign, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>and</c>, <c>or</c>: the value that decides.</summary>
internal sealed record LogicExpression(bool IsAnd, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed record ConcatExpression(IReadOnlyList<Expression> Parts, int Line) : Expression(Line);

/// <summary><c>a &lt; b == c</c>: each pair must hold. Signs: <c>== != &lt; &lt;= &gt; &gt;= in notin</c>.</summary>
internal sealed record CompareExpression(Expression First, IReadOnlyList<(string Sign, Expression Operand)> Rest, int Line) : Expression(Line);

/// <summary><c>a if condition else b</c>.</summary>
internal sealed record ConditionalExpression(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line);

/// <summary><c>object.name</c>: Python's attributes first, then the key.</summary>
internal sealed record MemberExpression(Expression Object, string Name, int Line) : Expression(Line);

/// <summary><c>object[key]</c>: the key first, then Python's attributes.</summary>
internal sealed record ItemExpression(Expression Object, Expression Key, int Line) : Expression(Line);

/// <summary><c>object[from:to:step]</c>.</summary>
internal sealed record SliceExpression(Expression Object, Expression? From, Expression? To, Expression? Step, int Line) : Expression(Line);

internal sealed record CallExpression(Expression Callee, CallSyntax Arguments, int Line) : Expression(Line);

/// <summary><c>operand | name(…)</c>.</summary>
internal sealed record FilterExpression(Expression Operand, string Name, CallSyntax Arguments, int Line) : Expression(Line);

/// <summary><c>operand is name(…)</c>.</summary>
internal sealed record TestExpression(Expression Operand, string Name, CallSyntax Arguments, bool IsNegated, int Line) : Expression(Line);

/// <summary>The arguments of a call as written; <c>*</c> and <c>**</c> at most once each.</summary>
internal sealed record CallSyntax(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? MorePositional = null,
    Expression? MoreNamed = null)
{
    public static CallSyntax Empty { get; } = new([], []);
}

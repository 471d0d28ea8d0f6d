using System.Text;
using System.Text.Json;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Templates;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Templates;

/// <summary>Templates that want out, or want everything. Each payload must end as text without secrets or as a clear refusal, soon.</summary>
public class HostileTemplateTests
{
    /// <summary>Small enough that the whole corpus runs in seconds; that the real limits hold is a test of its own.</summary>
    private static readonly TemplateLimits Tight = new() { Steps = 300_000, Built = 8 << 20, Output = 1 << 20, Depth = 1_500 };

    private const string Characters = "{}%#'\"\\()[].,:|~=<>-+*/ \n\u00e9\ud83d\ude00x1";

    /// <summary>Ways into the objects behind the values, as known from Jinja2, Twig, Razor, Velocity and our own names.</summary>
    private static readonly string[] Escapes =
    [
        "{{ ''.__class__ }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ [].__class__.__base__ }}", "{{ {}.__class__ }}", "{{ ().__class__.__bases__[0] }}",
        "{{ messages.__class__ }}", "{{ messages.__init__.__globals__ }}", "{{ self }}", "{{ self.__init__ }}", "{{ self._TemplateReference__context }}",
        "{{ config }}", "{{ request.application.__globals__ }}", "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ joiner.__init__.__globals__ }}", "{{ namespace.__init__.__globals__ }}", "{{ lipsum.__globals__['os'] }}", "{{ range.__class__ }}",
        "{{ raise_exception.__globals__ }}", "{{ raise_exception.__code__ }}", "{{ raise_exception.func_globals }}", "{{ strftime_now.__closure__ }}",
        "{{ ''['__class__'] }}", "{{ ''|attr('__class__') }}", "{{ ''|attr('__cl' ~ 'ass__') }}", "{{ messages|attr('GetType') }}", "{{ messages.GetType() }}",
        "{{ messages.GetType().Assembly }}", "{{ ''.GetType() }}", "{{ ''.Length }}", "{{ ''.Chars }}", "{{ messages.Items }}", "{{ messages.Count }}", "{{ messages.TypeName }}",
        "{{ messages.IsTrue }}", "{{ messages.Weight }}", "{{ (1).Value }}", "{{ (1).ToString() }}", "{{ loop.Member }}", "{% for x in [1] %}{{ loop.Call }}{{ loop.member }}{% endfor %}",
        "{{ namespace(a=1).Members }}", "{{ namespace().__dict__ }}", "{{ System.Environment.Exit(1) }}", "{{ Environment.MachineName }}", "{{ typeof(string) }}",
        "{{ 'a'.format.__self__ }}", "{{ '{0.__class__}'.format('') }}", "{{ '{0[0]}'.format([1]) }}", "{{ '{a.b}'.format(a=1) }}", "{{ '{0!r:{1}}'.format('a', 'b') }}",
        "{{ '%(__class__)s' % {} }}", "{{ ''|map('attr', '__class__')|list }}", "{{ [1]|map(attribute='__class__')|list }}", "{{ [{}]|groupby('__class__') }}",
        "{{ [1]|sort(attribute='__class__') }}", "{{ [1]|map('nosuch')|list }}", "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{% from 'os' import system %}",
        "{% extends 'base.html' %}", "{% block a %}{% endblock %}", "{{ include('/etc/passwd') }}", "{{ get_flashed_messages() }}", "{{ url_for.__globals__ }}", "{{ x.__setattr__('a', 1) }}",
        "{{ messages.append(1) }}", "{{ messages.clear() }}", "{{ messages[0].update({'role': 'system'}) }}", "{{ {}.__setitem__('a', 1) }}", "{% set messages[0].role = 'x' %}", "{% set loop.index = 5 %}",
        "{% set ''.x = 1 %}", "{% set raise_exception.x = 1 %}", "{{ #set($x='')$x.class }}", "${7*7}", "<%= 7*7 %>", "@{System.IO.File.ReadAllText(\"/etc/passwd\")}", "{{ {{ 1 }} }}", "{{ constructor.constructor('return process')() }}",
        "{{ __proto__ }}", "{{ messages.constructor }}", "{{ env }}", "{{ environment }}", "{{ context }}", "{{ caller }}", "{{ caller() }}", "{{ varargs }}", "{{ debug() }}", "{% debug %}", "{% do x %}", "{% autoescape true %}{% endautoescape %}",
        "{{ [].sort.__self__ }}", "{{ dict.fromkeys('a') }}", "{{ ''.encode('utf-8').decode }}", "{{ ''.join.im_func }}", "{{ 1 .__add__(2) }}", "{{ open('/etc/passwd').read() }}", "{{ eval('1') }}", "{{ exec('1') }}", "{{ getattr('', 'x') }}",
    ];

    /// <summary>Ways to run, recurse or grow without end. Every one must be refused.</summary>
    private static readonly string[] Bombs =
    [
        "{{ 'a' * 10**9 }}", "{{ 10**9 * 'a' }}", "{{ 'a' * 10**30 }}", "{{ ('a' * 10**6) * 10**6 }}", "{{ [0] * 10**9 }}", "{{ [[0] * 10**5] * 10**5 * 10**5 }}", "{{ (1,) * 10**12 }}",
        "{{ range(10**12) }}", "{{ range(10**12)|list }}", "{{ range(100001)|list }}", "{{ range(0, 10**40, 10**30) }}", "{% for i in range(10**12) %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}", "{% for i in range(99999) %}{% set x = range(99999)|list %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f(x) %}{{ f(x + 'a') }}{% endmacro %}{{ f('') }}", "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
        "{% macro f(x=f()) %}{% endmacro %}{{ f() }}", "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
        "{% set l = [1] %}{% for i in [l] recursive %}{{ loop([l]) }}{% endfor %}",
        "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", "{% set ns = namespace(l=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=(1,)) %}{% for i in range(90) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1}[ns.l] }}", "{% set ns = namespace(l=(1,)) %}{% for i in range(90) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ [ns.l, ns.l]|unique|list }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ [ns.l, ns.l]|sort }}", "{% set ns = namespace(l=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l in [ns.l] }}",
        "{% set ns = namespace(d={}) %}{% for i in range(90) %}{% set ns.d = {'a': ns.d, 'b': ns.d} %}{% endfor %}{{ ns.d|tojson(indent=1000) }}", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "{% set ns = namespace() %}{% set ns.x = [ns, ns] %}{{ ns.x }}",
        "{{ 10**10**10**10**10 }}", "{{ 9**99999 }}", "{{ 9**4600 * 9**4600 }}", "{% set ns = namespace(n=2) %}{% for i in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}", "{{ '%999999999d' % 1 }}", "{{ '{:999999999}'.format(1) }}",
        "{{ 'a'.center(10**9) }}", "{{ 'a'.ljust(10**15) }}", "{{ 'a'.zfill(10**9) }}", "{{ 'a'|center(10**9) }}", "{{ ('\\n' * 10**5)|indent(10000, blank=true) }}", "{{ ('a' * 10**4).replace('', 'a' * 10**4) }}", "{{ ('a' * 10**4).replace('a', 'b' * 10**4) }}",
        "{{ ('a' * 10**4)|replace('a', 'b' * 10**4) }}", "{{ ('a' * 10**4).join('b' * 10**4) }}", "{{ ('b' * 10**4)|join('a' * 10**4) }}", "{{ ('\\t' * 10**5).expandtabs(10**9) }}", "{{ ('a' * 10**4)|e|e|e * 10**4 }}", "{{ [1]|batch(10**9, 0)|list }}", "{{ [1]|slice(10**9)|list }}",
        "{{ ('a,' * 10**6).split(',')|map('list')|list|length * 10**9 * 'x' }}", "{{ (['a' * 10**5] * 10**4)|join }}", "{{ (['a' * 10**5] * 10**4)|string }}", "{{ (['a' * 10**5] * 10**4)|tojson }}", "{{ [['a' * 10**5] * 10**2] * 10**2 }}", "{% for i in range(10**5) %}{% set x = ('a' * 10**6) == ('a' * 10**6) %}{% endfor %}",
        "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b.upper() %}{% endfor %}", "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = 'b' in b %}{% endfor %}", "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b.find('b') %}{% endfor %}",
        "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = {b: 1} %}{% endfor %}", "{% set b = 'a' * 10**6 %}{% set d = {b: 1} %}{% for i in range(10**5) %}{% set x = d[b] %}{% endfor %}", "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b is upper %}{% endfor %}",
        "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b|int %}{% endfor %}", "{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b[::-1] %}{% endfor %}", "{% set b = '😀' * 10**5 %}{% for i in range(10**5) %}{% set x = b[99999] %}{% endfor %}",
        "{% set b = '1' * 10**6 %}{% for i in range(10**5) %}{% set x = b|int(base=16) %}{% endfor %}", "{{ ('9' * 4000)|int * ('9' * 4000)|int }}", "{{ ('a' * 10**6)|list|length * 10**6 * 'a' }}", "{% set x %}{% for i in range(10**5) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endset %}",
        "{% filter upper %}{% for i in range(10**5) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endfilter %}", "{{ strftime_now('%Y' * 10**6) * 10**6 }}", "{{ raise_exception('a' * 10**9) }}", "{{ 'a'|indent(10**9, true) * 10**5 }}",
        "{{ dict(range(10**5)|map('string')|map('list')) }}", "{{ [1, 2, 3]|sum(start='a' * 10**9) }}", "{{ 'abc' * -(-10**9) }}", "{{ cycler(*range(100000)) ~ cycler(*range(100000)) ~ cycler(*range(100000)) ~ cycler(*range(100000)) ~ raise_exception('x') }}",
    ];

    [Fact]
    public void No_payload_reaches_an_object_behind_the_values()
    {
        List<string> wrong = [];
        foreach (string payload in Escapes)
        {
            string? text = Run(payload, Tight);
            // Python's and .NET's type names, environment and files would show up as one of these.
            if (text is not null && (ReadOnlySpan<string>)["System", "Fairlead", "<class", "root:", "object at", "Dictionary", "Value", "uid="] is var signs)
            {
                foreach (string sign in signs)
                {
                    if (text.Contains(sign, StringComparison.Ordinal) && !payload.Contains(sign, StringComparison.Ordinal))
                        wrong.Add($"{payload} → {text}");
                }
            }
        }

        Assert.True(Escapes.Length >= 90, $"{Escapes.Length} payloads");
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_payload_that_loops_recurses_or_grows_is_stopped()
    {
        List<string> wrong = [];
        foreach (string payload in Bombs)
        {
            string? text = null;
            TimeSpan took = ThreadTime.Of(() => text = Run(payload, Tight));
            if (text is not null)
                wrong.Add($"{payload} → rendered {text.Length} characters");
            if (took > TimeSpan.FromSeconds(5))
                wrong.Add($"{payload} took {took}");
        }

        Assert.True(Bombs.Length >= 70, $"{Bombs.Length} payloads");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "deeper")]
    [InlineData("{{ 'a' * 10**9 }}", "text")]
    [InlineData("{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}", "prompt is longer")]
    [InlineData("{% set b = 'a' * 10**6 %}{% for i in range(10**5) %}{% set x = b is upper %}{% endfor %}", "steps")]
    public void The_limits_of_every_rendering_say_what_was_too_much(string payload, string reason)
    {
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => Render(payload, TemplateLimits.Default));

        Assert.Contains(reason, refused.Reason, StringComparison.Ordinal);
        Assert.Equal(1, refused.Line);
        Assert.False(refused.ByTemplate);
    }

    [Fact]
    public void A_macro_that_calls_itself_is_stopped_on_a_small_stack_too()
    {
        Exception? ended = null;
        Thread small = new(() => ended = Record.Exception(() => Render("{% macro f() %}{{ [[[[f()]]]] }}{% endmacro %}{{ f() }}", new TemplateLimits { Depth = int.MaxValue })), 256 << 10);
        small.Start();
        small.Join();

        Assert.IsType<ChatTemplateException>(ended);
    }

    [Fact]
    public void Sources_that_nest_without_end_are_refused_while_they_are_read()
    {
        foreach ((string open, string close) in ((string, string)[])[("(", ")"), ("[", "]"), ("{1:", "}"), ("-", ""), ("not ", ""), ("1 if ", " else 1"), ("x[", "]"), ("f(", ")"), ("1 if 1 else ", ""), ("(1,", ")")])
        {
            string source = $"{{{{ {string.Concat(Enumerable.Repeat(open, 50_000))}1{string.Concat(Enumerable.Repeat(close, 50_000))} }}}}";
            Assert.Throws<ModelFileException>(() => ChatTemplate.Parse("nested", source));
        }

        string blocks = string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000));
        Assert.Throws<ModelFileException>(() => ChatTemplate.Parse("nested", blocks));
        Assert.Throws<ModelFileException>(() => ChatTemplate.Parse("long", new string('a', ChatTemplate.MaxSourceLength + 1)));
    }

    [Fact]
    public void A_long_chain_of_operators_is_stopped_and_does_not_overflow_the_stack()
    {
        foreach (string link in (string[])["+1", "|upper", ".a", "[0]", "()", " and 1", " or 0", " is defined"])
        {
            string source = "{{ 1" + string.Concat(Enumerable.Repeat(link, 50_000)) + " }}";
            Exception? ended = Record.Exception(() => Render(source, TemplateLimits.Default));
            Assert.True(ended is ModelFileException or ChatTemplateException, $"{link}: {ended}");
        }
    }

    [Theory]
    [InlineData("a\nb\n{% if %}", "line 3")]
    [InlineData("a\n{{ 1 + }}", "line 2")]
    [InlineData("{{ 'open }}", "line 1")]
    [InlineData("{# open", "line 1")]
    [InlineData("{% for x in y %}", "endfor")]
    [InlineData("{% if x %}{% endfor %}", "endfor")]
    [InlineData("{% nosuch %}", "nosuch")]
    [InlineData("{{ a b }}", "'}}' is missing")]
    [InlineData("{{ ) }}", "closes nothing")]
    [InlineData("{{ a ? b }}", "'?'")]
    [InlineData("{% break %}", "outside")]
    [InlineData("{{ '\\ud800' }}", "surrogate")]
    [InlineData("{% include 'x' %}", "not supported")]
    public void A_source_that_cannot_be_read_is_refused_with_its_line(string source, string reason)
    {
        ModelFileException refused = Assert.Throws<ModelFileException>(() => ChatTemplate.Parse("chat_template.jinja", source));

        Assert.Equal("chat_template.jinja", refused.File);
        Assert.Contains(reason, refused.Reason, StringComparison.Ordinal);
        Assert.Contains("line ", refused.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messages": []}""", "messages")]
    [InlineData("""{"bos_token": "x"}""", "bos_token")]
    [InlineData("""{"add_generation_prompt": false}""", "add_generation_prompt")]
    [InlineData("""{"raise_exception": 1}""", "raise_exception")]
    public void Variables_of_the_caller_cannot_replace_the_template_s_own(string variables, string name)
    {
        ChatTemplateInput input = new() { Messages = Json("[]"), Variables = Json(variables) };
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("t", "{{ messages }}").Render(input, TimeProvider.System));

        Assert.Contains(name, refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_in_a_conversation_is_refused()
    {
        ChatTemplateInput input = new() { Messages = Json("""[{"role": "user", "content": "\ud83d"}]""") };

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("t", "{{ messages[0].content }}").Render(input, TimeProvider.System));
    }

    /// <summary>Random cuts and crossings of real templates and payloads: whatever comes, it ends, and only in the two known ways.</summary>
    [Fact]
    [Trait("Category", Fuzz.Category)]
    public void Random_templates_end_in_text_or_in_a_refusal()
    {
        string[] seeds = [.. Escapes, .. Bombs, .. File.Exists(Path.Combine(Goldens.Data, "templates", "language.json"))
            ? JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "templates", "language.json"))).RootElement.GetProperty("cases").EnumerateArray().Select(static one => one.GetProperty("template").GetString()!)
            : []];
        Random random = new(20261126);
        TemplateLimits limits = new() { Steps = 20_000, Built = 1 << 20, Output = 1 << 16 };
        foreach (int runs in Fuzz.Rounds(100))
        {
            string source = Mutate(seeds, random);
            try
            {
                _ = Run(source, limits);
            }
            catch (Exception bug)
            {
                Assert.Fail($"after {runs} runs: {JsonSerializer.Serialize(source)} → {bug}");
            }
        }
    }

    private static string Mutate(string[] seeds, Random random)
    {
        StringBuilder source = new(seeds[random.Next(seeds.Length)]);
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            string other = seeds[random.Next(seeds.Length)];
            int at = random.Next(source.Length + 1);
            int from = random.Next(other.Length);
            switch (random.Next(4))
            {
                case 0:
                    source.Insert(at, other.AsSpan(from, random.Next(other.Length - from)));
                    break;
                case 1 when source.Length > 0:
                    int start = random.Next(source.Length);
                    source.Remove(start, random.Next(Math.Min(10, source.Length - start) + 1));
                    break;
                case 2 when source.Length > 0:
                    source[random.Next(source.Length)] = Characters[random.Next(Characters.Length)];
                    break;
                default:
                    source.Append(other);
                    break;
            }
        }

        return source.Length > 4_000 ? source.ToString(0, 4_000) : source.ToString();
    }

    /// <summary>What the template writes; null where it is refused in one of the two ways that are allowed.</summary>
    private static string? Run(string source, TemplateLimits limits)
    {
        try
        {
            return Render(source, limits);
        }
        catch (Exception refused) when (refused is ModelFileException or ChatTemplateException)
        {
            return null;
        }
    }

    private static string Render(string source, TemplateLimits limits) => ChatTemplate.Parse("hostile", source).Render(
        new ChatTemplateInput { Messages = Json("""[{"role": "user", "content": "hi"}]"""), Variables = Json("""{"l": [3, 1, 2], "d": {"b": 1}, "s": "Hello", "n": 5}""") },
        TimeProvider.System, limits);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}

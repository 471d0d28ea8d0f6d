"""Makes language.json: what Jinja2 answers to small templates, set up as transformers sets it up. Run: python3 make_language.py"""
import json
from jinja2 import nodes, __version__
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise ValueError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception

CONTEXT = {
    "n": 5, "m": -3, "f": 2.5, "big": 12345678901234567890123, "t": True, "no": None, "s": "Hello, wörld", "e": "", "u": "a😀b日c", "html": "<a href=\"x\">'&'</a>",
    "l": [3, 1, 2], "mixed": [1, "two", 3.0, None, True, [1], {"k": "v"}], "d": {"b": 1, "a": {"x": [1, 2]}, "items": "shadow"}, "words": "  the quick\tbrown\n fox  ",
    "people": [{"name": "Bo", "age": 30}, {"name": "al", "age": 25}, {"name": "Cy", "age": 30}], "lines": "one\ntwo\n\nthree\n", "floats": [1.0, 0.1, 1e16, 1e-5, 123456789.125, 1e22, 5e-324, -0.0],
}

EXPRESSIONS = r"""
1 + 2 * 3
7 // 2
-7 // 2
7 % 3
-7 % 3
7 / 2
6 / 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
7.5 // 2
-7.5 % 2
1 / 0
1 // 0
1.0 % 0
big + 1
big * big
big / 3
n + t
t + t
t == 1
1 == 1.0
1 == '1'
'a' * 3
3 * 'ab'
[1, 2] * 2
(1,) * 3
'a' * -1
'a' + 1
'a' + none
none + 'a'
[1] + [2]
[1] + (2,)
(1, 2) + (3,)
'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1, 'x']
1 < 2 < 3
1 < 2 > 3
3 > 2 == true
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
(1, 'a') < (1, 'b')
none < 1
'ﬀ' < '😀'
1 in l
'ell' in s
'x' not in s
1 in 'abc'
'b' in d
'z' in d
1 in none
1 in undefined_thing
'a' in ['a', 'b'] and 'c' not in 'ab'
not t
not e
not []
not {}
not 0.0
t and 'yes' or 'no'
e or 'default'
no and 1
0 or none or []
'a' if t else 'b'
'a' if not t
('a' if e else 'b') if t else 'c'
n if n > 3 else m if m > 0 else 'x'
undefined_thing
undefined_thing.x
undefined_thing['x']
undefined_thing + 1
undefined_thing == undefined_thing
undefined_thing|length
undefined_thing|default('d')
undefined_thing is defined
undefined_thing|upper
undefined_thing|list
undefined_thing|int
undefined_thing < 1
undefined_thing()
d.zzz
d.zzz.y
d['zzz'] is undefined
d.b
d['b']
d.items
d.items is callable
d['items']
d.get('b')
d.get('zz')
d.get('zz', 7)
d.a.x
d.a.x[1]
d.a.x[-1]
d.a.x[5]
d.a['x'][0]
d.keys()
d.values()
d.items()
d.keys()|list
d.items()|list
d|items|list
s|items|list
no|items|list
undefined_thing|items|list
d.items()|tojson
d.pop('b')
d.update({'c': 1})
l.append(4)
l.pop()
l.index(1)
l.count(2)
l.index(9)
l[0]
l[10]
l['x']
l[1:]
l[:2]
l[::-1]
l[::2]
l[-2:]
l[1:100]
l[5:]
s[0]
s[-1]
s[1:4]
s[::-1]
s[::2]
s[100]
u[1]
u[2]
u[1:3]
u[::-1]
u|length
u|list
s[none:3]
s['x':]
d[1:]
no[1:]
(1, 2, 3)[1:]
(1, 2, 3)[0]
()
(1,)
1, 2
[1, [2, (3,)], {'a': none}]
{'a': 1, 'b': [true, none, 1.0]}
{1: 2, 1.0: 3, true: 4}
{[1]: 2}
{'a': 1}['a']
mixed
"it's"
["it's", 'say "x"', 'both \' "']
['a\nb', 'tab\t', 'nul\x00', 'é', '日', '\u200b', '\U0001f600', '\\']
floats
1.0
1e3
100000000000000000000.0
1.5e300
0.1 + 0.2
3.0 * 2
1_000
10 // 3.0
s.upper()
s.lower()
s.title()
s.capitalize()
s.swapcase()
'ß'.upper()
'İ'.lower()
'ΑΣ'.lower()
s.split()
s.split(',')
s.split(', ')
s.split('l')
s.split('l', 1)
s.rsplit('l', 1)
s.split('')
words.split()
words.split(none, 1)
words.rsplit(none, 1)
words.rsplit(maxsplit=2)
''.split()
''.split(',')
words.strip()
words.lstrip()
words.rstrip()
'xxaxx'.strip('x')
'abcab'.strip('ab')
'abcab'.lstrip('ab')
'\x1c a\x1f'.strip()|length
'a-b-c'.replace('-', '+')
'a-b-c'.replace('-', '+', 1)
'abc'.replace('', '.')
'abc'.replace('', '.', 2)
s.startswith('He')
s.startswith(('x', 'He'))
s.endswith('ld')
s.startswith('ll', 2)
s.find('l')
s.rfind('l')
s.find('zz')
s.index('zz')
u.find('日')
s.count('l')
'aaa'.count('aa')
'abc'.count('')
','.join(['a', 'b'])
','.join([1])
','.join('abc')
'a'.center(5) ~ '|'
'ab'.center(5, '*')
'abc'.center(6, '*')
'a'.ljust(3) ~ '|'
'a'.rjust(3, '.')
'-42'.zfill(6)
'a\tb'.expandtabs(4)
'a.b.c'.partition('.')
'a.b.c'.rpartition('.')
'abc'.partition('x')
lines.splitlines()
lines.splitlines(true)
'a\r\nb\rc'.splitlines()
'prefix-x'.removeprefix('prefix-')
'x.txt'.removesuffix('.txt')
'abc'.isalpha()
'ab1'.isalnum()
'123'.isdigit()
''.isdigit()
' \t'.isspace()
'ABC'.isupper()
'abc'.islower()
'a1'.islower()
'Abc Def'.istitle()
'%s and %d' % ('x', 3)
'%s' % [1, 2]
'%5d|%-5d|%05d|%+d' % (42, 42, 42, 42)
'%.2f %5.1f %e' % (3.14159, 2.55, 12345.678)
'%x %X %o' % (255, 255, 8)
'%%'  % ()
'%(a)s' % {'a': 1}
'%s %s' % ('x',)
'%s' % ('x', 'y')
'%d' % 'x'
'%r' % 'x'
'%10s|%-10s|' % ('hi', 'hi')
'{} {}'.format(1, 'b')
'{0} {1} {0}'.format('a', 'b')
'{x}'.format(x=1)
'{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd')
'{:05d} {:,} {:.3f} {:x} {:+d}'.format(42, 1234567, 3.14159, 255, 7)
'{:.2%}'.format(0.256)
'{!r}'.format('x')
'{{}}'.format()
'{}'.format()
'{:d}'.format('x')
s|length
l|length
d|length
5|length
none|length
s|upper
s|lower
s|title
'foo bar-baz (qux)'|title
s|capitalize
words|trim
'xxaxx'|trim('x')
5|trim
l|first
l|last
[]|first
s|first
l|join
l|join(', ')
people|join(', ', attribute='name')
mixed|join('-')
s|join('.')
l|sort
l|sort(reverse=true)
['b', 'A', 'c']|sort
['b', 'A', 'c']|sort(case_sensitive=true)
people|sort(attribute='age')|map(attribute='name')|list
people|sort(attribute='age,name')|map(attribute='name')|list
[1, 'a']|sort
l|reverse|list
'abc'|reverse
l|min
l|max
[]|max
people|max(attribute='age')
l|sum
people|sum(attribute='age')
[0.1, 0.2]|sum
[[1], [2]]|sum(start=[])
[1, 1, 2, 'a', 'A']|unique|list
people|map(attribute='name')|list
people|map(attribute='zz')|list
people|map(attribute='zz', default='?')|list
['a', 'b']|map('upper')|list
[' a ']|map('trim')|list
[[1, 2]]|map('join', '+')|list
people|map('nope')|list
people|selectattr('age', 'equalto', 30)|map(attribute='name')|list
people|selectattr('age', 'gt', 26)|list|length
people|rejectattr('age', 'eq', 30)|list
people|selectattr('zz')|list
people|selectattr('zz', 'undefined')|list|length
[0, 1, none, 'a', '']|select|list
[0, 1, none, 'a', '']|reject|list
l|select('odd')|list
l|select('>', 1)|list
none|map('upper')|list
5|map('upper')|list
people|groupby('age')|list
people|map(attribute='name')
people|selectattr('age')|length
d|dictsort
d|dictsort(reverse=true)
d|dictsort(by='value')
{'B': 1, 'a': 2}|dictsort
{'B': 1, 'a': 2}|dictsort(true)
no|default('x')
no|default('x', true)
e|default('x', true)
0|default('x', boolean=true)
'3'|int
'3.7'|int
'x'|int
'x'|int(9)
'0x1F'|int(base=16)
3.9|int
-3.9|int
none|int
'3.5'|float
'x'|float
'x'|float(1.5)
3|float
3.14159|round(2)
2.5|round
3.5|round
-2.5|round
2.567|round(1, 'floor')
2.511|round(1, 'ceil')
5|round
-5|abs
-5.5|abs
'x'|abs
5|string
none|string
[1, 'a']|string
l|list
s|list|length
d|list
(1, 2)|list
'a b'|urlencode
s|replace('l', 'L')
s|replace('l', 'L', 1)
5|replace('5', '6')
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(2, true, true)
lines|indent('> ')
'a'|indent(3, first=true)
'a long sentence of words'|truncate(12)
'a long sentence of words'|truncate(12, true)
'a long sentence of words'|truncate(12, end='…')
'short'|truncate(4)
'some words here'|wordcount
l|batch(2)|list
l|batch(2, 0)|list
[1, 2, 3, 4, 5]|slice(2)|list
[1, 2, 3, 4, 5]|slice(3, 'x')|list
'a'|center(5)
html|e
html|escape
html|safe
'<b>'|safe + '<i>'
'<b>' + '<i>'|safe
'<b>'|safe ~ '<i>'
('<b>'|safe)|length
['<'|safe]
'%s!' |format('x')
'%(a)s'|format(a=1)
d|tojson
mixed|tojson
s|tojson
html|tojson
'a\nb\t"q"\\ \x01 é \x7f'|tojson
'é 😀'|tojson(ensure_ascii=true)
d|tojson(indent=2)
d|tojson(indent=0)
[]|tojson(indent=2)
{}|tojson(indent=2)
[[], {}, [1]]|tojson(indent=1)
d|tojson(separators=(',', ':'))
d|tojson(sort_keys=true)
d|tojson(indent=2, separators=(',', ': '))
floats|tojson
{1: 'a', none: 'b', true: 'c', 1.5: 'd'}|tojson
{(1, 2): 'a'}|tojson
undefined_thing|tojson
(1, 2)|tojson
l|map('string')|tojson
range(3)|tojson
big|tojson
d|attr('b')
d|attr('get')|string|length > 3
no|nosuchfilter
s is nosuchtest
s is string
n is string
n is number
f is number
t is number
n is integer
t is integer
f is float
t is boolean
l is sequence
d is sequence
s is sequence
d.items() is sequence
l|map('string') is sequence
n is sequence
l is iterable
n is iterable
l|map('string') is iterable
undefined_thing is iterable
d is mapping
l is mapping
no is none
undefined_thing is none
t is true
1 is true
no is false
n is odd
n is even
n is divisibleby 5
n is divisibleby(2)
n is eq 5
n is in [5]
n is in(l)
n is not in [5]
n is sameas 5
s is upper
'abc' is lower
n is lt 6
n is ge(5)
'upper' is filter
'odd' is test
range is callable
s is callable
n is defined and n > 3
n is not defined
not n is defined
n is string or f is float
(n is odd) and true
range(5)|list
range(2, 5)|list
range(5, 2, -1)|list
range(0, 10, 3)|list
range(0)|list
range(3)
range(1, 10, 2)
range(3)|length
range(3)[1]
range(10)[2:4]|list
5 in range(10)
range(0, 5, 0)
range('a')
range(200000)|list
range(1000000000000)
dict(a=1, b=2)
dict({'x': 1}, y=2)
dict([('a', 1)])
namespace(a=1).a
namespace(a=1).b
namespace({'q': 2}).q
s.nosuch
s.nosuch()
s.__class__
''.__class__.__mro__
l.__class__
d.__init__
5()
'a'()
raise_exception('boom')
'\x41\u00e9\101'
'a' 'b'
"\"" ~ '\''
'\q'
1.0|int ~ 2|float
-n|abs
-(n|abs)
(1 + 2) * 3
[1, 2, 3,]
{'a': 1,}
n.__str__
d.b.c.d
people[0].name
people[0]['name'][0]
people|map(attribute='name')|join(', ')
people|first
(people|first).name
people[0].items()|list
'a,b'.split(',')[1]
s.split(',')|first|upper
s|upper|lower|length
'%s' % d
[undefined_thing]
[none, true]|string
'x'.join(l|map('string'))
lipsum
cycler(1, 2).next()
joiner('|')() ~ 'x'
'a'.format
""".strip("\n").split("\n")

TEMPLATES = [
    "{% for x in l %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in l %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }} {% endfor %}",
    "{% for x in [] %}x{% else %}empty{% endfor %}",
    "{% for x in no %}x{% endfor %}",
    "{% for x in n %}x{% endfor %}",
    "{% for x in undefined_thing %}x{% else %}none{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for x in 'aé😀' %}[{{ x }}]{% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% for y in l %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}",
    "{% for x in [[1, [2]], [3]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{{ x }}{% set x = i %}{% endfor %}{{ x }}",
    "{% for i in l %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}",
    "{% set ns = namespace(a=[]) %}{% for i in l %}{% set ns.a = ns.a + [i] %}{% endfor %}{{ ns.a }}",
    "{% set d.b = 2 %}",
    "{% set q.b = 2 %}",
    "{% if t %}{% set y = 1 %}{% endif %}{{ y }}",
    "{% if e %}{% set y = 1 %}{% endif %}{{ y }}",
    "{% if e %}a{% elif n %}b{% else %}c{% endif %}",
    "{% if e %}a{% elif no %}b{% else %}c{% endif %}",
    "{% set a, b = 1, 2 %}{{ b }}{{ a }}",
    "{% set a, b = [1] %}{{ a }}",
    "{% set x %}  body {{ n }} {% endset %}[{{ x }}]",
    "{% set x | upper | trim %}  body {% endset %}[{{ x }}]",
    "{% set x %}{% set n = 9 %}{{ n }}{% endset %}{{ x }}{{ n }}",
    "{% filter upper %}abc {{ n }}{% endfilter %}",
    "{% filter replace('a', 'b') | upper %}abc{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with n = 1, b = n %}{{ n }}{{ b }}{% endwith %}{{ n }}",
    "{% macro f(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(b=4, a=5) }} {{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(z=2) }}",
    "{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, z=3) }}",
    "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro f() %}{{ n }}{% endmacro %}{% set n = 9 %}{{ f() }}",
    "{% macro f() %}{% set n = 7 %}{{ n }}{% endmacro %}{{ f() }}{{ n }}",
    "{% for n in l %}{% macro f() %}{{ n }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% macro f() %}{{ later }}{% endmacro %}{% set later = 'x' %}{{ f() }}",
    "{% macro f() %}  x  {% endmacro %}[{{ f() }}][{{ f()|trim }}][{{ f() + 'y' }}]",
    "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}in{% endcall %}",
    "{% macro f() %}<{{ caller(5) }}>{% endmacro %}{% call(x) f() %}in{{ x }}{% endcall %}",
    "{% macro f() %}x{% endmacro %}{{ f is defined }}{{ f is callable }}{{ f.name }}",
    "{{ f() }}{% macro f() %}x{% endmacro %}",
    "{% generation %}a{{ n }}{% set q = 1 %}{% endgeneration %}{{ q }}",
    "a\n{% if t %}\nb\n{% endif %}\nc\n",
    "a\n  {% if t %}  \n  b\n  {% endif %}  \nc\n",
    "a {%- if t -%} b {%- endif -%} c",
    "  {%- if t %}\nx\n  {%- endif %}\ny",
    "a\n  {{ n }}\n  b\n",
    "a\n  {{- n -}}\n  b\n",
    "a\n  {%+ if t %}x{% endif +%}\nb",
    "a {# comment #} b",
    "a\n  {# comment #}\nb\n",
    "a\n  {#- comment -#}\n  b\n",
    "a {# {{ not }} {% run %} #}b",
    "{#-#}x{##}",
    "{% raw %}{{ n }}{% if %}{% endraw %}",
    "a\n  {%- raw -%}  {{ n }}  {%- endraw -%}  b",
    "{{ '}}' }}{{ '%}' }}{{ \"{{\" }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{{ {'a': {'b': 1}} }}",
    "{{ '{%' }}",
    "line one\r\nline two\rline three\n\n",
    "x\n\n",
    "{{ n }}\n",
    "\n{% if t %}\n\n{{ n }}\n\n{% endif %}\n",
    "{% set x = 'a' if t else 'b' %}{{ x }}",
    "{% set x = 1, %}{{ x }}",
    "{% set x = [] %}{% set x = x + [1] %}{{ x }}",
    "{% if 'b' in d and d.b == 1 %}yes{% endif %}",
    "{% if d.a is mapping and d.a.x is not string %}yes{% endif %}",
    "{% set p = people|map(attribute='name') %}{{ p|list }}{{ p|list }}",
    "{% set p = people|selectattr('age', 'eq', 99) %}{% if p %}true{% else %}false{% endif %}",
    "{{ loop }}",
    "{% for x in l %}{{ loop.nosuch }}{% endfor %}",
    "{{ '' }}{{ none }}{{ true }}{{ 1.0 }}",
    "{% if n is defined and n is not none and n %}ok{% endif %}",
    "{%- for m in people %}\n{{- '<|' + m['name'] + '|>' }}\n{%- endfor %}",
    "{% for p in people|sort(attribute='name') %}{{ p.name }} {% endfor %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}",
    "{% set j = joiner(', ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}",
    "{{ raise_exception('no ' ~ n) }}",
    "{% set raise = raise_exception %}{{ raise('again') }}",
    "{% set messages = 5 %}{{ messages }}",
    "{{ f }}{{ f|int }}{{ n|float }}",
    "{% set x = namespace(v='a') %}{% macro g() %}{% set x.v = 'b' %}{% endmacro %}{{ g() }}{{ x.v }}",
    "{% for i in range(3) %}{% set k = loop.index0 %}{% for j in range(2) %}{{ k }}{{ j }}{{ loop.index0 }} {% endfor %}{% endfor %}",
    "{%- set x -%} a {%- endset -%}[{{ x }}]",
    "{{ s[:5] }}{{ s[-2:] }}{{ s[:-1] }}",
    "{{- '\n' }}x{{ '\n' -}}   y",
    "{% if t %}a{% endif %}\nb",
    "{{ n }}\n{{ n }}",
    "{% for x in l -%}\n  {{ x }}\n{%- endfor %}",
    "{% for x in l %}\n  {{ x }}\n{% endfor %}",
    "\t{% if t %}x{% endif %}\ty",
    "x\t{% if t %}y{% endif %}",
]


def answer(source):
    try:
        return {"text": env.from_string(source).render(**CONTEXT)}
    except Exception as e:  # every kind of refusal counts
        kind = type(e).__name__
        return {"error": str(e), "raised": kind == "ValueError" and ("boom" in str(e) or "no 5" in str(e) or "again" in str(e))}


import re
cases = []
for source in ["{{ " + x + " }}" for x in EXPRESSIONS] + TEMPLATES:
    a = answer(source)
    if " at 0x" in a.get("text", ""):
        continue  # an address is nothing to compare
    cases.append({"template": source, **a})
json.dump({"jinja2": __version__, "context": CONTEXT, "cases": cases}, open("language.json", "w"), ensure_ascii=False, indent=0)
print(len(cases), sum("error" in c for c in cases))

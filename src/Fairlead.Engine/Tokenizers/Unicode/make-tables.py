#!/usr/bin/env python3
"""Writes tables.bin, the Unicode data that .NET does not give without ICU: decompositions, combining classes, compositions, scripts.

Run by hand when Unicode grows, with the folder of the Unicode Character Database (unicode.org/Public/VERSION/ucd, or Debian's package
unicode-data):

    python3 make-tables.py /usr/share/unicode tables.bin

Everything is little-endian; a table begins with its number of rows (u32):
    classes         u32 first, u32 last, u32 canonical combining class (not 0)
    decompositions  u32 code point, u32 place and length of the canonical form, u32 of the compatibility form
                    (place << 8 | length; both forms fully expanded, canonical order not yet applied; length 0: none; no Hangul)
    pool            u32 code points, which the decompositions point into
    compositions    u32 first, u32 second, u32 composed (no exclusions, no Hangul)
    scripts         u8 length, ASCII name
    script ranges   u32 first, u32 last, u32 index into scripts
"""
import struct
import sys
from pathlib import Path


def rows(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield [field.strip() for field in line.split(";")]


def bounds(field):
    first, _, last = field.partition("..")
    return int(first, 16), int(last or first, 16)


def main():
    ucd, target = Path(sys.argv[1]), Path(sys.argv[2])
    classes, canonical, compatible = {}, {}, {}
    for row in rows(ucd / "UnicodeData.txt"):
        code = int(row[0], 16)
        if row[3] != "0":
            classes[code] = int(row[3])
        if row[5]:
            tag, _, rest = row[5].rpartition("> ")
            (compatible if tag else canonical)[code] = [int(part, 16) for part in rest.split()]

    def expand(code, tables):
        for table in tables:
            if code in table:
                return [out for part in table[code] for out in expand(part, tables)]
        return [code]

    excluded = set()
    for row in rows(ucd / "DerivedNormalizationProps.txt"):
        if row[1] == "Full_Composition_Exclusion":
            first, last = bounds(row[0])
            excluded.update(range(first, last + 1))

    out = bytearray()

    def table(entries):
        nonlocal out
        out += struct.pack("<I", len(entries))
        for entry in entries:
            out += struct.pack(f"<{len(entry)}I", *entry)

    ranges = []
    for code in sorted(classes):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == classes[code]:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, classes[code]])
    table(ranges)

    pool, places, entries = [], {}, []

    def place(form):
        key = tuple(form)
        if key not in places:
            places[key] = len(pool)
            pool.extend(form)
        return places[key] << 8 | len(form)

    for code in sorted(canonical.keys() | compatible.keys()):
        nfd = expand(code, [canonical]) if code in canonical else []
        entries.append((code, place(nfd) if nfd else 0, place(expand(code, [canonical, compatible]))))
    table(entries)
    table([(code,) for code in pool])
    table(sorted((parts[0], parts[1], code) for code, parts in canonical.items() if len(parts) == 2 and code not in excluded))

    spans = sorted((*bounds(row[0]), row[1]) for row in rows(ucd / "Scripts.txt"))
    names = sorted({name for _, _, name in spans})
    out += struct.pack("<I", len(names))
    for name in names:
        out += struct.pack("B", len(name)) + name.encode("ascii")
    merged = []
    for first, last, name in spans:
        if merged and merged[-1][1] == first - 1 and merged[-1][2] == names.index(name):
            merged[-1][1] = last
        else:
            merged.append([first, last, names.index(name)])
    table(merged)
    target.write_bytes(out)


main()

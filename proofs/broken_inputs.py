"""Valid pages, PDFs and answers, and what becomes of them by chance or by malice."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

HTML = "text/html; charset=utf-8"
PDF = "application/pdf"
MIB = 1024 * 1024
SENTENCES = (
    "Spring tides come twice in a lunar month, when the Sun and the Moon pull in one line. "
    "The highest tide of the harbour, 9.2 metres, was measured in 1997 by the board. "
    "Neap tides are the weakest, and come a week after the spring tides of the same month. "
)
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tides</title>'
    '<meta property="article:published_time" content="2024-05-01T08:00:00Z">'
    '<script type="application/ld+json">{"@type": "Article", "headline": "Tides",'
    ' "author": {"name": "A. Moon"}, "datePublished": "2024-05-01"}</script>'
    "<style>p { color: red }</style></head><body><nav><a href='/'>Home</a></nav><article>"
    f"<h1>Tides</h1><p>{SENTENCES}</p><h2>Neap &amp; spring</h2><p>{SENTENCES}</p>"
    f"<ul><li>{SENTENCES}</li></ul><table><tr><th>m</th><td>9.2</td></tr></table>"
    f"<blockquote>{SENTENCES}</blockquote><pre><code>a = b</code></pre></article>"
    "<footer>&copy; Harbour</footer></body></html>"
).encode()


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a server gives.

    Args:
        name: what was done.
        body: as it is sent.
        kind: its ``Content-Type``.
        packed: its ``Content-Encoding``, or "".
    """

    name: str
    body: bytes
    kind: str
    packed: str = ""


def pdf(streams: list[bytes], *, filters: str = "", catalog: str = "", pages: str = "") -> bytes:
    """A PDF with one page for each stream of drawing instructions.

    Args:
        streams: as they stand in the file, packed as ``filters`` says.
        filters: the entry of each stream that names its filters.
        catalog: more entries of the catalogue.
        pages: more entries of the page tree; they go before the right ones.
    """
    objects: list[bytes] = [b"", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[int] = []
    for stream in streams:
        head = f"<< /Length {len(stream)} {filters} >>\nstream\n".encode()
        objects.append(head + stream + b"\nendstream")
        content = len(objects)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {content} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        kids.append(len(objects))
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode()
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages {pages} /Kids [{listed}] /Count {len(kids)} >>".encode()
    out, offsets = bytearray(b"%PDF-1.5\n"), list[int]()
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    return bytes(out)


def shown(lines: int, text: str = SENTENCES) -> bytes:
    """Instructions that show a text in so many lines."""
    return b"".join(
        f"BT /F1 11 Tf 1 0 0 1 50 {780 - 14 * (number % 54)} Tm ({text}) Tj ET\n".encode()
        for number in range(lines)
    )


PAPER = pdf([zlib.compress(shown(30)), zlib.compress(shown(12))], filters="/Filter /FlateDecode")


def broken(data: bytes, chance: random.Random) -> bytes:
    """The data after one to six accidents."""
    for _ in range(chance.randint(1, 6)):
        data = chance.choice(ACCIDENTS)(data, chance)
    return data


def broken_answer(data: bytes, chance: random.Random) -> bytes:
    """An answer after accidents: to its bytes, or, where it is JSON, to its values."""
    try:
        value = json.loads(data)
    except ValueError:
        return broken(data, chance)
    if chance.random() < 0.4:
        return broken(data, chance)
    for _ in range(chance.randint(1, 6)):
        value = _changed(value, chance)
    return json.dumps(value).encode()


def _changed(value: object, chance: random.Random) -> object:
    """The JSON value with one value somewhere in it changed for another."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        members = cast("dict[str, object]", value)
        name = chance.choice(list(members))
        return {**members, name: _changed(members[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        items = list(cast("list[object]", value))
        at = chance.randrange(len(items))
        items[at] = _changed(items[at], chance)
        return items
    return chance.choice(ABSURD)


ABSURD: tuple[object, ...] = (
    None, True, -1, 1e308, 10**400, "", "x" * 10_000, "\x00", "\ud800", "\u202e", [], {}, [[[]]],
    {"url": {}}, "javascript:alert(1)", "http://", "//x", "https://a.example/ b", "9999-99-99",
    "Fri, 31 Feb 2024 25:61:61 GMT", "<b>" * 99, "&lt;" * 99, [None], {"results": None},
)  # fmt: skip


def _place(data: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randrange(len(data) + 1)
    return begin, min(len(data), begin + chance.choice((1, 4, 40, 400, 4_000)))


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 8, 64)) if data else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _deleted(data: bytes, chance: random.Random) -> bytes:
    begin, end = _place(data, chance)
    return data[:begin] + data[end:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    begin, end = _place(data, chance)
    return data[:end] + data[begin:end] * chance.choice((1, 9, 99)) + data[end:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _strewn(data: bytes, chance: random.Random) -> bytes:
    begin, end = _place(data, chance)
    return data[:begin] + chance.choice(STREWN) + data[end:]


def _moved(data: bytes, chance: random.Random) -> bytes:
    begin, end = _place(data, chance)
    to = chance.randrange(len(data) + 1)
    return data[:to] + data[begin:end] + data[to:]


def _renumbered(data: bytes, chance: random.Random) -> bytes:
    digits = [at for at in range(len(data)) if data[at : at + 1].isdigit()]
    if not digits:
        return data
    at = chance.choice(digits)
    number = chance.choice((b"-1", b"0", b"99999999999", b"4294967296", b"1e400", b"NaN"))
    return data[:at] + number + data[at + 1 :]


ACCIDENTS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped, _deleted, _repeated, _cut, _strewn, _moved, _renumbered,
)  # fmt: skip
STREWN = (
    bytes(64), b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80" * 9, b"<", b">" * 99, b"&#0;",
    b"<![CDATA[", b"<!--", b"<script>", b"</html>", b"<p " + b"a=b " * 500 + b">", b"<div>" * 900,
    b'<meta charset="utf-16">', b'<?xml version="1.0" encoding="x-none"?>', b"endobj", b"stream\n",
    b"<< /Length -9 >>", b"/Kids [2 0 R]", b"1 0 R", b"null", b"{", b"[" * 300, b'"', b"\\u0000",
    b"\\ud800", b'"url": 5,', b'"results": {}', b"\x1f\x8b\x08", b"%PDF-9.9", b"PK\x03\x04",
)  # fmt: skip


def malformed(kind: str, number: int, chance: random.Random) -> Given:
    """A broken page or PDF."""
    whole, told = (PAGE, HTML) if kind == "page" else (PAPER, PDF)
    told = chance.choice((told, told, told, "text/plain", "application/octet-stream", "", "x/y;"))
    body, packed = broken(whole, chance), ""
    if chance.random() < 0.1:
        packed = chance.choice(("gzip", "deflate", "br", "gzip, gzip"))
        body = broken(gzip.compress(body), chance)
    return Given(name=f"{kind} {number}", body=body, kind=told, packed=packed)


def bombs() -> Iterator[Given]:
    """What is small to send and large to read."""
    zeros = bytes(300 * MIB)
    once = gzip.compress(zeros, 9)
    yield Given(name="gzip of 300 MiB", body=once, kind=HTML, packed="gzip")
    yield Given(
        name="deflate of 300 MiB", body=zlib.compress(zeros, 9), kind=HTML, packed="deflate"
    )
    del zeros
    twice = gzip.compress(once, 9)
    yield Given(name="gzip in gzip", body=twice, kind=HTML, packed="gzip")
    yield Given(name="gzip in gzip, as text", body=twice, kind="text/plain")
    yield Given(name="gzip as text", body=once, kind="text/plain")
    yield Given(
        name="empty gzip members", body=gzip.compress(b"") * 90_000, kind=HTML, packed="gzip"
    )
    yield Given(name="deep divs", body=b"<div>" * 400_000 + b"x", kind=HTML)
    yield Given(name="deep tables", body=b"<table><tr><td>" * 100_000 + b"x", kind=HTML)
    yield Given(name="crossed tags", body=b"<b><i><a href=x><p>" * 60_000, kind=HTML)
    yield Given(name="one tag of attributes", body=b"<p " + b"a1=b " * 1_000_000 + b">x", kind=HTML)
    yield Given(name="entities", body=b"<p>" + b"&amp;" * 1_900_000, kind=HTML)
    yield Given(name="many paragraphs", body=b"<p>x y z." * 1_000_000, kind=HTML)
    yield Given(name="one word", body=b"<p>" + b"a" * 9_000_000, kind=HTML)
    yield Given(name="one sentence", body=b"<p>" + b"word " * 1_900_000, kind=HTML)
    yield Given(name="headings", body=b"<h1>x</h1>" * 900_000, kind=HTML)
    yield Given(name="laughs", body=_laughs(), kind="application/xhtml+xml")
    yield Given(name="laughs as XML", body=_laughs(), kind="text/xml")
    yield Given(name="long comment", body=b"<!--" + b"-" * 9_000_000, kind=HTML)
    yield Given(name="JSON in a script", body=_nested_script(), kind=HTML)
    flate = "/Filter /FlateDecode"
    page = zlib.compress(shown(400_000), 9)
    yield Given(name="PDF page of 60 MB of text", body=pdf([page], filters=flate), kind=PDF)
    large = zlib.compress(b" " * (900 * MIB), 9)
    yield Given(name="PDF page that unpacks to 900 MiB", body=pdf([large], filters=flate), kind=PDF)
    for _ in range(2):
        large = zlib.compress(large, 9)
    nested = f"/Filter [{'/FlateDecode ' * 3}]"
    yield Given(name="PDF page packed three times", body=pdf([large], filters=nested), kind=PDF)
    yield Given(name="PDF of 3,000 pages", body=pdf([shown(1)] * 3_000), kind=PDF)
    yield Given(
        name="PDF whose pages hold themselves",
        body=pdf([shown(3)], pages="/Kids [2 0 R 2 0 R 2 0 R]"),
        kind=PDF,
    )
    outlines = "/Outlines << /First 4 0 R /Last 4 0 R /Count 9999999 >>"
    yield Given(name="PDF with false outlines", body=pdf([shown(3)], catalog=outlines), kind=PDF)
    deep = b"<< /Type /X /K " + b"[" * 200_000 + b"]" * 200_000 + b" >>"
    yield Given(
        name="PDF of brackets", body=pdf([shown(3)]).replace(b"null", deep) + deep, kind=PDF
    )
    saved = b"q " * 2_000_000 + shown(2)
    yield Given(name="PDF that saves without end", body=pdf([saved]), kind=PDF)


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY l0 "lol">{entities}'
        '<!ENTITY f SYSTEM "file:///etc/passwd">]><html xmlns="http://www.w3.org/1999/xhtml">'
        "<head><title>&f;</title></head><body><p>&l11; &f;</p></body></html>"
    ).encode()


def _nested_script() -> bytes:
    script = b'<script type="application/ld+json">' + b'{"a":[' * 300_000 + b"</script>"
    return PAGE.replace(b"</head>", script + b"</head>")


def answer_bombs() -> Iterator[bytes]:
    """Answers of searches that are made to cost time or memory, and must not."""
    result = {"title": "t", "url": "https://a.example/{n}", "content": "c", "snippet": "c"}
    yield b"[" * 5_000_000
    yield b'{"results": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    yield b'{"results": [{"url": "https://a.example/", "score": ' + b"9" * 100_000 + b"}]}"
    many = ",".join(json.dumps(result).replace("{n}", str(n)) for n in range(150_000))
    yield f'{{"results": [{many}]}}'.encode()
    tags = "<" * 3_000_000
    yield json.dumps({"results": [{**result, "title": tags, "content": tags}]}).encode()
    yield json.dumps({"results": [{**result, "url": "https://" + "a" * 9_000_000}]}).encode()
    yield b'{"results": "' + b"x" * 40_000_000 + b'"}'
    yield _laughs()
    yield b"<feed>" * 1_000_000

"""Turns bytes of any encoding into clean text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable

from charset_normalizer import from_bytes

from wiseflow.core.errors import DocumentError

_SAMPLE_BYTES = 64 * 1024
_GUESS_BYTES = 8 * 1024
_MOST_CONTROLS = 0.05
_MOST_REPLACED = 0.2
_NULS_OF_WIDE_TEXT = 0.2

# Longer marks first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Tab, line feed, form feed, carriage return and escape occur in text; the others do not.
_CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")

# Hardly any text is in these; they only make the guess worse for their commoner neighbours.
_RARE_ENCODINGS = [
    "iso8859_3", "iso8859_4", "iso8859_10", "iso8859_13", "iso8859_14", "iso8859_16", "hp_roman8",
    "ptcp154", "kz1048", "koi8_t", "johab", "hz", "cp1140", "cp037", "cp500", "cp1026", "cp775",
    "cp1125", "mac_latin2", "mac_iceland", "mac_turkish", "mac_greek",
]  # fmt: skip

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls, the byte order mark, soft hyphens, zero-width spaces, and noncharacters; joiners stay,
# because Persian, Indic scripts and emoji are spelt with them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u200b\ufeff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Source: UAX #15, "Stream-Safe Text Format": text needs no more than 30 combining marks in a row,
# and normalising longer runs takes quadratic time.
_MARK_RUNS = re.compile(
    "([\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u0730-\u074a"
    "\u0816-\u082d\u08d3-\u08ff\u0f71-\u0f84\u135d-\u135f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0"
    "\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua67d\ua8e0-\ua8f1\ufe20-\ufe2f]{30})"
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u0730-\u074a"
    "\u0816-\u082d\u08d3-\u08ff\u0f71-\u0f84\u135d-\u135f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0"
    "\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua67d\ua8e0-\ua8f1\ufe20-\ufe2f]+"
)


def decode(data: bytes, *, declared: str = "") -> str:
    """The text that ``data`` holds, cleaned as by ``clean``.

    Broken sequences become U+FFFD.

    Args:
        data: text in an unknown encoding.
        declared: the encoding that the document names itself, or "".

    Raises:
        DocumentError: the bytes are not text in any encoding.
    """
    return clean(decode_raw(data, declared=declared))


def clean(text: str) -> str:
    r"""``text`` as it is stored: ``\n`` line ends, no control characters, Unicode NFC."""
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = _SURROGATES.sub("\ufffd", text)
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", _MARK_RUNS.sub(r"\1", text))


def decode_raw(data: bytes, *, declared: str = "") -> str:
    """As ``decode``, but not cleaned: for formats in which control characters have a meaning.

    Raises:
        DocumentError: the bytes are not text in any encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_wide(data[len(mark) :], encoding)
    wide = _wide_encoding(data[:_SAMPLE_BYTES])
    if wide:
        return _decode_wide(data, wide)
    if _looks_binary(data):
        raise DocumentError("the file is binary, not text")
    if data.isascii():
        return data.decode("iso2022_jp" if _ISO_2022_JP.search(data) else "ascii", "replace")
    text = _decode_whole(data, "utf-8")
    if text is not None:
        return text
    text = data.decode("utf-8", "replace")
    if _is_mostly_utf8(text):
        return text
    return _checked(_decode_legacy(data, declared))


def _decode_whole(data: bytes, encoding: str) -> str | None:
    """The text, where not a byte of it is broken; U+FFFD may then be in it, as any character."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decode_wide(data: bytes, encoding: str) -> str:
    text = _decode_whole(data, encoding)
    return _checked(data.decode(encoding, "replace")) if text is None else text


def _wide_encoding(sample: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes of ASCII lie."""
    quarter = len(sample) // 4
    if not quarter:
        return ""
    zeros = [sample[lane : quarter * 4 : 4].count(0) / quarter for lane in range(4)]
    few = 0.02
    if min(zeros[1:]) > _NULS_OF_WIDE_TEXT and zeros[0] < few and min(zeros[2:]) > 1 - few:
        return "utf-32-le"
    if min(zeros[:3]) > _NULS_OF_WIDE_TEXT and zeros[3] < few and min(zeros[:2]) > 1 - few:
        return "utf-32-be"
    if min(zeros[1], zeros[3]) > _NULS_OF_WIDE_TEXT and max(zeros[0], zeros[2]) < few:
        return "utf-16-le"
    if min(zeros[0], zeros[2]) > _NULS_OF_WIDE_TEXT and max(zeros[1], zeros[3]) < few:
        return "utf-16-be"
    return ""


def _looks_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    return controls > _MOST_CONTROLS * len(sample)


def _is_mostly_utf8(text: str) -> bool:
    """Whether most of what is not ASCII decoded well: a text in another encoding hardly ever does.

    Source: RFC 3629, section 1: other encodings' strings are UTF-8 with low probability.
    """
    broken = text.count("\ufffd")
    well = len(text) - broken - len(text.encode("ascii", "ignore"))
    return well >= broken


def _decode_legacy(data: bytes, declared: str) -> str:
    for encoding in (declared, _guess(data), "cp1252"):
        decoder = _text_codec(encoding)
        if decoder is None:
            continue
        text = decoder(data, "replace")[0]
        if text.count("\ufffd") <= len(text) * 0.02:
            return text
    return data.decode("cp1252", "replace")


def _text_codec(encoding: str) -> Callable[[bytes, str], tuple[str, int]] | None:
    if not encoding:
        return None
    # Browsers read these labels as Windows' supersets, because pages mean those.
    # Source: WHATWG Encoding Standard, section 4.2.
    name = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "gb2312": "gb18030",
            "gbk": "gb18030", "us-ascii": "cp1252", "ascii": "cp1252", "shift_jis": "cp932",
            "euc-kr": "cp949", "iso-8859-9": "cp1254"}.get(encoding.lower(), encoding)  # fmt: skip
    try:
        codec = codecs.lookup(name)
        codec.decode(b" ", "replace")
    except (LookupError, ValueError, TypeError):
        return None
    # ``rot13`` and ``zip`` are codecs too, but not of text.
    return codec.decode if getattr(codec, "_is_text_encoding", False) else None


def _guess(data: bytes) -> str:
    """The likeliest encoding of the part of ``data`` around its first byte that is not ASCII."""
    first = next(re.finditer(rb"[\x80-\xff]", data)).start()
    start = max(0, first - _GUESS_BYTES // 8)
    best = from_bytes(data[start : start + _GUESS_BYTES], cp_exclusion=_RARE_ENCODINGS).best()
    return best.encoding if best is not None else ""


def _checked(text: str) -> str:
    if text.count("\ufffd") > _MOST_REPLACED * len(text):
        raise DocumentError("the file is not text in any known encoding")
    return text

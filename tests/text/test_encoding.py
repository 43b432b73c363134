from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wiseflow.core.errors import DocumentError
from wiseflow.text.encoding import clean, decode

PLAIN = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), min_size=1
)
GERMAN = "Die schönen Größen der Bäume, für die wir uns begeistern, kosten nicht viel. Übermäßig."
SAMPLES = {
    "cp1252": GERMAN,
    "cp1251": "Привет, как дела? Это обычный русский текст, который мы хотим прочитать.",
    "shift_jis": "これは日本語の文章です。文字コードを正しく判定できるかどうかを確認します。",
    "euc-jp": "これは日本語の文章です。文字コードを正しく判定できるかどうかを確認します。",
    "iso2022_jp": "これは日本語の文章です。文字コードを正しく判定できるかどうか。",
    "gb18030": "这是一个中文文本，用来检查编码检测是否正确。我们希望它能够被正确读取。",
    "big5": "這是一個中文文本，用來檢查編碼檢測是否正確。我們希望它能夠被正確讀取。",
    "utf-16-le": "Hello world, this is a text without a mark.",
    "utf-16-be": "Hello world, this is a text without a mark.",
    "utf-32-le": "Hello world, this is a text without a mark.",
    "utf-32-be": "Hello world, this is a text without a mark.",
}


@given(PLAIN)
@example("\ufffd")
def test_text_in_utf8_reads_back(text):
    assert decode(text.encode()) == unicodedata.normalize("NFC", text)


@given(PLAIN, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
@example("\ufffd", "utf-8-sig")
@example("\ufffd\ufffd", "utf-16")
def test_text_with_a_byte_order_mark_reads_back(text, encoding):
    assert decode(text.encode(encoding)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("encoding", SAMPLES)
def test_text_in_a_legacy_encoding_reads_back(encoding):
    assert decode(SAMPLES[encoding].encode(encoding)) == SAMPLES[encoding]


def test_a_declared_encoding_is_used_where_bytes_are_not_utf8():
    assert decode("Größe".encode("latin-1"), declared="ISO-8859-1") == "Größe"
    assert decode("кот".encode("koi8-r"), declared="koi8-r") == "кот"
    assert decode("Größe".encode(), declared="latin-1") == "Größe"
    assert decode(GERMAN.encode("cp1252"), declared="rot13") == GERMAN
    assert decode(GERMAN.encode("cp1252"), declared="no-such") == GERMAN


def test_broken_utf8_gives_replacement_characters():
    assert decode("Größe und Äpfel".encode() + b"\xff.") == "Größe und Äpfel\ufffd."


@given(st.binary(max_size=500))
def test_any_bytes_give_clean_text_or_a_document_error(data):
    try:
        text = decode(data)
    except DocumentError:
        return

    assert text == clean(text)
    text.encode("utf-8")


def test_binary_data_is_refused():
    with pytest.raises(DocumentError, match="binary"):
        decode(bytes(range(256)) * 10)


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    assert clean(clean(text)) == clean(text)


def test_control_characters_go_and_line_ends_are_one():
    assert clean("a\r\nb\rc\x0bd\u2028e\x00\x07\ufeff\xad\u200bf\ud800") == "a\nb\nc\nd\nef\ufffd"
    assert clean("e\u0301") == "é"
    assert len(clean("e" + "\u0323\u0301" * 50_000)) < 100

from __future__ import annotations

import json

import pytest

from wiseflow.core.errors import DocumentError
from wiseflow.text.dates import iso_date, pdf_date
from wiseflow.text.limits import ParseLimits
from wiseflow.text.parsing import parse
from wiseflow.text.pdf_layout import Bookmark, Line, lay_out
from wiseflow.text.pdfium import _text as text_of_codes

from .conftest import make_pdf


def document(data: bytes | str, name: str):
    return parse(data.encode() if isinstance(data, str) else data, name=name).documents[0]


PARAGRAPH = (
    "<p>The museum opened its doors to the public in the spring of that year, and many came.</p>"
)


def test_markdown_loses_its_markup_and_keeps_its_headings():
    source = """---
title: "The guide"
date: 2024-01-02
---
# One *word* ##

Some **bold** and [a link](http://example.org/a_(b)) with `code_name`
wraps here &amp; ends.[^1] ![picture](x.png) <b>tag</b> \\*star\\* <https://example.org>
<!-- hidden
comment -->

- first
  goes on
- second
1. third

| a | b |
|---|---|
| 1 | 2 |

Set below
---------

***

> quoted
> text

[ref]: http://example.org

    indented
    code

```py
x = "**kept**"

# not a heading
```
"""
    parsed = document(source, "a.md")

    assert parsed.title == "The guide"
    assert parsed.published == "2024-01-02"
    assert [(head.level, head.text) for head in parsed.headings] == [
        (1, "One word"),
        (2, "Set below"),
    ]
    assert "Some bold and a link with code_name wraps here & ends. picture tag *star* https" in (
        parsed.text
    )
    assert "- first goes on\n- second\n1. third" in parsed.text
    assert "| a | b |\n| 1 | 2 |" in parsed.text
    assert "quoted text" in parsed.text
    assert "indented\n    code" in parsed.text
    assert 'x = "**kept**"\n\n# not a heading\n```' in parsed.text
    assert "hidden" not in parsed.text
    assert "[ref]" not in parsed.text


def test_markdown_with_an_open_comment_or_fence_keeps_its_text():
    assert document("before <!-- after", "a.md").text == "before <!-- after"
    assert document("```\ncode", "a.md").text == "```\ncode"


def test_json_lines_give_a_document_a_line_and_name_the_bad_ones():
    lines = [
        json.dumps({"text": "Hello world", "id": 5, "title": "T", "url": "http://example.org"}),
        "{broken",
        json.dumps({"title": "no text"}),
        "[1]",
        "",
        json.dumps({"text": "a\u2028b", "published": "2020-02"}, ensure_ascii=False),
        json.dumps({"text": "c", "published": "yesterday"}),
        json.dumps({"text": 3}),
        json.dumps({"text": "d", "id": True}),
        "[" * 100_000,
        '{"text": "\\ud800 odd"}',
    ]

    parsed = parse("\n".join(lines).encode(), name="a.jsonl")

    assert [found.text for found in parsed.documents] == ["Hello world", "a\nb", "c", "\ufffd odd"]
    first = parsed.documents[0]
    assert (first.document_id, first.title, first.url) == ("5", "T", "http://example.org")
    assert parsed.documents[1].published == "2020-02"
    assert [problem.split(":")[0] for problem in parsed.problems] == [
        f"line {number}" for number in (2, 3, 4, 7, 8, 9, 10)
    ]


def test_very_many_bad_lines_are_counted():
    parsed = parse(b'{"text": "good"}\n' + b"bad\n" * 1500, name="a.jsonl")

    assert len(parsed.problems) == 1001
    assert parsed.problems[-1] == "and 500 more problems"


def test_a_page_gives_its_main_text_with_headings_and_says_what_it_is():
    page = (
        '<html lang="en"><head><title>Site</title>'
        '<meta property="article:published_time" content="2021-03-04"></head><body>'
        "<nav><a href='/'>Home</a></nav><article><h1>The museum</h1>"
        f"{PARAGRAPH * 2}<h2>Tickets</h2>{PARAGRAPH}<ul><li>one thing that is listed</li>"
        "<li>two things that are listed</li></ul><table><tr><td>cell a</td><td>cell b</td></tr>"
        f"</table>{PARAGRAPH}</article><footer>Imprint</footer></body></html>"
    )

    parsed = document(page, "a.html")

    assert parsed.title == "The museum"
    assert parsed.published == "2021-03-04"
    assert parsed.language == "en"
    assert "Tickets" in [head.text for head in parsed.headings]
    assert all(parsed.text[head.start :].startswith(head.text) for head in parsed.headings)
    assert "- one thing that is listed\n- two things" in parsed.text
    assert "Imprint" not in parsed.text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<html><body><nav><a>Home</a> <a>News</a></nav></body></html>", "Home News"),
        ("<html><head><meta charset=utf-8><p>no end tags", "no end tags"),
        ("<html><body><h2>Only a head</h2></body></html>", "Only a head"),
        ("words without tags", "words without tags"),
        ("<html><body>a<br>b<script>x</script>c</body></html>", "a\nbc"),
        ("<html>" + "<div>" * 10_000 + "<p>deep</p><style>x</style>", "deep"),
        ("<html>" + "<b>" * 10_000 + "<p>deep</p><script>x", "deep"),
    ],
)
def test_no_page_with_visible_text_comes_out_empty(page, text):
    assert document(page, "a.html").text == text


def test_a_page_with_a_part_that_can_be_unfolded_is_read():
    told = "The tide of the harbour turns every six hours, and boats wait for it each day. " * 5
    unfolded = f"<details><summary>More</summary><p>{told}</p></details>"
    page = f"<article><p>{told}</p>{unfolded}</article>"

    parsed = document(page, "a.html")

    assert parsed.text.count("six hours") == 10
    assert "More" in parsed.text


def test_a_page_names_its_encoding():
    latin = '<html><meta charset="iso-8859-1"><p>Größe'.encode("latin-1")
    japanese = '<?xml version="1.0" encoding="shift_jis"?><html><p>日本語の文'.encode("shift_jis")

    assert document(latin, "a.html").text == "Größe"
    assert document(japanese, "a.xhtml").text == "日本語の文"


def test_a_word_document_gives_headings_lists_and_tables(docx_bytes):
    parsed = document(docx_bytes, "a.docx")

    assert parsed.title == "Minutes of the board"
    assert [(head.level, head.text) for head in parsed.headings] == [(1, "Decisions"), (2, "Votes")]
    assert "The board decided to buy a new building for the archive." in parsed.text
    assert "Name | Vote\n\nAda | yes" in parsed.text


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word_xml(body: str, prolog: str = "") -> bytes:
    return f'<?xml version="1.0"?>{prolog}<w:document xmlns:w="{W}">{body}</w:document>'.encode()


def test_text_in_content_controls_and_insertions_is_read(with_part):
    run = "<w:r><w:t>{}</w:t><w:tab/><w:br/></w:r>"
    body = (
        f"<w:body><w:sdt><w:sdtContent><w:p>{run.format('controlled')}</w:p></w:sdtContent></w:sdt>"
        f"<w:p><w:ins>{run.format('inserted')}</w:ins>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Outlined</w:t></w:r></w:p>'
        "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>Listed</w:t></w:r></w:p></w:body>"
    )

    parsed = document(with_part("word/document.xml", word_xml(body)), "a.docx")

    assert parsed.text == "controlled\n\ninserted\n\nOutlined\n\n- Listed"
    assert parsed.headings[0].level == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (word_xml("<w:body>" + "<w:sdt>" * 3000), "cannot be read"),
        (word_xml("<w:body/>"), "no text"),
        (b"<a/>", "no body"),
        (b"\x00" * 3_000_000, "unpacks to"),
        (word_xml("<w:body><w:p/></w:body>"), "no text"),
    ],
)
def test_a_hostile_word_document_is_refused(content, reason, with_part):
    data = with_part("word/document.xml", content)

    with pytest.raises(DocumentError, match=reason):
        parse(data, name="a.docx", limits=ParseLimits(unpacked_bytes=1_000_000))


def test_entities_of_a_word_document_are_not_resolved(with_part):
    prolog = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    body = "<w:body><w:p><w:r><w:t>Text &a;&f;</w:t></w:r></w:p></w:body>"

    parsed = document(with_part("word/document.xml", word_xml(body, prolog)), "a.docx")

    assert parsed.text == "Text"


def test_a_pdf_gives_paragraphs_without_running_heads(pdf_bytes):
    parsed = document(pdf_bytes, "a.pdf")

    assert parsed.title == "Findings of the year"
    assert parsed.published == "2024-03-05"
    assert [(head.level, head.text) for head in parsed.headings] == [
        (1, "Findings of the year"),
        (1, "Methods"),
    ]
    assert "Annual report" not in parsed.text
    assert (
        "\n\nThe committee looked at the whole of the evidence on page 4 and found that it was"
        " quite sound.\n\nAnother paragraph begins" in parsed.text
    )
    assert not any(line.strip().isdigit() for line in parsed.text.splitlines())


def locked_pdf() -> bytes:
    return make_pdf([[(72, 700, 11, "Hello")]]).replace(
        b"trailer << ",
        b"trailer << /ID [(0123456789abcdef) (0123456789abcdef)] /Encrypt << /Filter /Standard /V 1"
        b" /R 2 /O (" + b"x" * 32 + b") /U (" + b"y" * 32 + b") /P -4 >> ",
    )


def test_a_scanned_pdf_and_a_locked_one_are_refused():
    with pytest.raises(DocumentError, match="scanned: no text layer"):
        document(make_pdf([[]]), "a.pdf")
    with pytest.raises(DocumentError, match="encrypted"):
        document(locked_pdf(), "a.pdf")


def test_a_pdf_without_outline_has_headings_by_size_and_its_contents_lose_leaders():
    body = [
        (72, 640 - 14 * row, 10, f"line {row} of the body text that goes on") for row in range(9)
    ]
    parsed = document(
        make_pdf(
            [
                [
                    (72, 760, 20, "Big title"),
                    (72, 720, 14, "Section"),
                    (72, 690, 12, "Smaller"),
                    (72, 670, 10, "Introduction . . . . . . . . 7"),
                    (72, 656, 10, "- first well-known item of a"),
                    *body,
                    (72, 300, 10, "the well-"),
                    (72, 288, 10, "known 32-"),
                    (72, 276, 10, "bit word and well-known"),
                ]
            ],
            title="Named",
        ),
        "a.pdf",
    )

    assert parsed.title == "Named"
    assert [(head.level, head.text) for head in parsed.headings] == [
        (1, "Big title"),
        (2, "Section"),
        (3, "Smaller"),
    ]
    assert "Introduction\n\n- first" in parsed.text
    assert "the well-known 32-bit word" in parsed.text


def test_dates_are_iso_or_nothing():
    assert [iso_date(text) for text in ("2020", "2020-02-03", "2020-02-03T10:00:00Z")] == [
        "2020",
        "2020-02-03",
        "2020-02-03T10:00:00Z",
    ]
    assert [iso_date(text) for text in ("soon", "2020-13", "2020-02-30", "20200101")] == [""] * 4
    assert pdf_date("D:20240229") == "2024-02-29"
    assert pdf_date("yesterday") == ""


def test_a_page_whose_text_is_that_of_all_pages_keeps_it():
    page = [(72.0, 700.0, 11.0, "The same form on every page")]

    parsed = document(make_pdf([page, page, page, page]), "a.pdf")

    assert "The same form on every page" in parsed.text


def test_a_broken_pdf_after_a_locked_one_is_not_called_locked():
    with pytest.raises(DocumentError, match="encrypted"):
        document(locked_pdf(), "a.pdf")
    with pytest.raises(DocumentError, match="broken or truncated"):
        document(make_pdf([]), "a.pdf")


def test_a_page_that_cannot_be_loaded_does_not_cost_the_others():
    pages = [[(72.0, 700.0, 11.0, "The first page has this text.")], [(72.0, 700.0, 11.0, "x")]]
    data = make_pdf(pages)
    second = data.rindex(b"/Type /Page ")

    parsed = document(data[:second] + b"/Type /Nope " + data[second + 12 :], "a.pdf")

    assert "The first page has this text." in parsed.text


def line(text: str, bottom: float, *, right: float = 500, bold: bool = False) -> Line:
    return Line(text=text, left=72, right=right, bottom=bottom, foot=bottom, size=11, bold=bold)


def test_lines_of_a_paragraph_are_joined_as_its_script_asks():
    pages = [
        [
            line("Bold head", 760, right=150, bold=True),
            line("这是第一行文字，还没有结", 746),
            line("束的第二行。", 732),
            line("See the installer\x02amd64 file and the co\x02op’s ﬁle, co-op.", 700),
            line("1. code one", 660, right=120),
            line("Code two", 646, right=500),
            line("it goes on,", 632, right=500),
        ],
        [line("and it ends here.", 760), line("word " * 100, 700)],
    ]

    blocks, title = lay_out(
        pages,
        [
            Bookmark(level=9, title="Bold head", page=0),
            Bookmark(level=1, title="-", page=1),
            Bookmark(level=1, title="word", page=1),
        ],
        characters=10_000,
    )
    parsed = blocks.document()

    assert title == ""
    assert [(head.level, head.text) for head in parsed.headings] == [(6, "Bold head")]
    assert "这是第一行文字，还没有结束的第二行。" in parsed.text
    assert "installer-amd64 file and the co-op’s file" in parsed.text
    assert "1. code one\nCode two it goes on, and it ends here." in parsed.text


def test_characters_beyond_the_first_plane_are_put_together():
    assert text_of_codes([0x41, 0xD83D, 0xDE00, 0x1F600]) == "A😀😀"

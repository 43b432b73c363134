"""Exports: the JSON contract, Markdown and HTML, and what hostile documents may not do in them."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from wiseflow.core.errors import InvalidInput
from wiseflow.core.report import (
    AuthorKind,
    Citation,
    Claim,
    Disagreement,
    Report,
    ReportAuthor,
    RunFacts,
    Section,
    SourceReference,
    Verdict,
)
from wiseflow.research.rendering.html import exact, language_tag, to_html
from wiseflow.research.rendering.json import (
    report_from_json,
    report_from_text,
    report_to_json,
    report_to_text,
)
from wiseflow.research.rendering.markdown import to_markdown
from wiseflow.research.rendering.reading import (
    duration,
    paragraphs,
    printable,
    safe_address,
    shortened,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% include 'report.css' %}",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "`code` **bold** # heading\n\n# Another title\n\n| a | b |",
    "\x1b[31mred\x07 \u202egnp.exe",
]

PLAIN_BLOCKS = {
    f"{block}_{end}"
    for block in ("heading", "paragraph", "bullet_list", "list_item")
    for end in ("open", "close")
}

words = st.text(max_size=30) | st.sampled_from(HOSTILE)
# A busy machine is no reason to fail.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Text made of what Markdown gives a meaning to.
marks = st.lists(
    st.sampled_from([*'ab1 .)*_~`[]()<>!&#;\\-+=:|/"é—€\n', "&amp;", "](x)", "[1]: x", "1. ", "# "])
    | st.text(max_size=3),
    max_size=10,
).map("".join)  # fmt: skip
PLAIN = Report(
    id="r1",
    topic="Lakes",
    mode="linear",
    status="completed",
    language="en",
    author=ReportAuthor(kind=AuthorKind.EXTRACTIVE),
    title="Lakes",
    summary=(),
    sections=(),
    sources=(),
)
PLACE: dict[str, Any] = {"source_id": "s1", "passage_id": "p", "start": 0, "end": 9}
citations = st.builds(
    Citation,
    source_id=st.sampled_from(["s1", "s2", "s3"]),
    passage_id=words,
    start=st.integers(0, 9999),
    end=st.integers(0, 9999),
    quote=words,
    verdict=st.sampled_from(Verdict),
)
claims = st.lists(
    st.builds(Claim, text=words, citations=st.lists(citations, max_size=2).map(tuple)), max_size=3
).map(tuple)
sections = st.recursive(
    st.builds(Section, title=words, claims=claims),
    lambda inner: st.builds(
        Section, title=words, claims=claims, subsections=st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=4,
)
sources = st.builds(
    SourceReference,
    id=st.sampled_from(["s1", "s2"]),
    title=words,
    url=words | st.just("https://a.example/b"),
    path=words,
    published=words,
    provider=words,
    sha256=words,
    authors=st.lists(words, max_size=5).map(tuple),
    site=words,
)
reports = st.builds(
    Report,
    id=words,
    topic=words,
    mode=words,
    status=words,
    language=words,
    author=st.builds(
        ReportAuthor,
        kind=st.sampled_from(AuthorKind),
        models=st.lists(words, max_size=2).map(tuple),
    ),
    title=words,
    summary=claims,
    sections=st.lists(sections, max_size=2).map(tuple),
    sources=st.lists(sources, max_size=2).map(tuple),
    not_found=st.lists(words, max_size=2).map(tuple),
    facts=st.builds(
        RunFacts,
        cost=st.none() | st.floats(0, 100),
        seconds=st.floats(0, 1e6),
        queries=st.integers(0, 99),
        disagreements=st.lists(
            st.builds(
                Disagreement,
                section=words,
                values=st.tuples(words, words),
                citations=st.tuples(citations, citations),
            ),
            max_size=2,
        ).map(tuple),
    ),
)


class Rendered:
    """What a reader sees of a Markdown page, by a CommonMark parser with the usual extensions."""

    def __init__(self, markdown):
        self.markup, self.links, self.headings, self.paragraphs = set(), [], [], []
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
        for opening, token in pairwise(tokens):
            if token.type == "inline":
                self._read(token, self.headings if opening.tag[0] == "h" else self.paragraphs)
            elif token.type not in PLAIN_BLOCKS:
                self.markup.add(token.type)

    def _read(self, inline, texts):
        texts.append("".join(child.content for child in inline.children))
        for child in inline.children:
            if child.tag or child.type not in ("text", "text_special"):
                self.markup.add(child.tag or child.type)
            if child.type == "link_open":
                self.links.append(child.attrs["href"])


class Outline(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


@settings(UNTIMED, max_examples=50)
@given(reports)
def test_a_report_reads_back_from_its_json(report):
    assert report_from_json(json.loads(json.dumps(report_to_json(report)))) == report
    assert report_from_text(report_to_text(report)) == report


@settings(UNTIMED, max_examples=40)
@given(reports)
def test_no_report_breaks_an_export_or_brings_in_tags(report):
    outline = Outline(to_html(report))

    assert not outline.all("script")
    assert not outline.all("img")
    assert len(outline.all("style")) == 1
    assert all(not key.startswith("on") for _, attributes in outline.tags for key in attributes)
    for link in outline.all("a"):
        assert re.match(r"#|https?://", link["href"])
    anchors = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    assert {link["href"][1:] for link in outline.all("a") if link["href"][0] == "#"} <= anchors


@settings(UNTIMED, max_examples=40)
@given(reports)
def test_no_report_brings_markup_into_markdown(report):
    rendered = Rendered(to_markdown(report))

    assert not rendered.markup - {"a"}
    assert all(re.match(r"#source-\d+\Z|https?://", link) for link in rendered.links)


@settings(UNTIMED, max_examples=300)
@given(marks)
def test_markdown_reads_as_the_text_it_was_given(text):
    claim = Claim(text=text, citations=(Citation(**PLACE, quote=text, verdict=Verdict.SUPPORTED),))
    twice = Section(title=text, claims=(claim, claim))
    rendered = Rendered(to_markdown(replace(PLAIN, sections=(twice,), not_found=(text,))))

    line = printable(text)
    cited = f"{line} [1]".strip()
    assert not rendered.markup - {"a"}
    assert f"{cited} {cited}" in rendered.paragraphs
    assert not line or {line} <= set(rendered.paragraphs) & set(rendered.headings)


@pytest.mark.parametrize(
    "text",
    [
        "It took 0.22 s for text[start:end] (see [2] and page 7-9).",
        "AT&T grew by 5 * 3 < 20 | snake_case and C#; don't!",
        "Version 2.0 + more = 100% – “quoted”, ~ and #1.",
    ],
)
def test_ordinary_prose_is_written_without_backslashes(make_report, make_claim, text):
    assert f"\n{text} [[1]](#source-1)" in to_markdown(make_report(summary=(make_claim(text),)))


def test_the_json_has_the_keys_of_the_contract_in_their_order(make_report):
    form: Any = report_to_json(make_report())

    assert list(form) == [
        "id", "topic", "mode", "status", "language", "author", "title", "summary", "sections",
        "sources", "not_found", "facts",
    ]  # fmt: skip
    assert form["author"] == {"kind": "extractive", "models": []}
    assert list(form["sections"][0]) == ["title", "claims", "subsections"]
    assert list(form["summary"][0]) == ["text", "citations"]
    assert list(form["summary"][0]["citations"][0]) == [
        "source_id", "passage_id", "start", "end", "quote", "verdict",
    ]  # fmt: skip
    assert list(form["sources"][0]) == [
        "id", "title", "url", "path", "published", "provider", "sha256", "authors", "site",
    ]  # fmt: skip
    assert {"calls", "tokens", "cost", "seconds"} <= set(form["facts"])


def test_a_report_of_an_earlier_version_reads_back_with_nobody_known(make_report):
    form: Any = report_to_json(make_report())
    for source in form["sources"]:
        del source["authors"], source["site"]

    (source,) = report_from_json(form).sources

    assert (source.title, source.authors, source.site) == ("Lake Baikal", (), "")


ADA, HUGO, INES, JONAS = "Ada Brandt", "Hugo Grieg", "Ines Eklund", "Jonas Abara"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Lake Baikal"),
        ({"authors": (ADA,)}, "Ada Brandt. Lake Baikal."),
        ({"authors": (ADA, HUGO, INES)}, "Ada Brandt, Hugo Grieg, Ines Eklund. Lake Baikal."),
        ({"authors": (ADA, HUGO, INES, JONAS)},
         "Ada Brandt, Hugo Grieg, Ines Eklund et al. Lake Baikal."),
        ({"site": "Lake News"}, "Lake Baikal. Lake News."),
        ({"published": "2024"}, "Lake Baikal. Published 2024."),
        ({"site": "Lake News", "published": "2024"}, "Lake Baikal. Lake News, published 2024."),
        ({"authors": ("Lake News",), "site": "Lake News", "published": "2024"},
         "Lake News. Lake Baikal. Published 2024."),
        ({"title": "How deep?", "authors": (ADA, ""), "site": "Lakes Inc."},
         "Ada Brandt. How deep? Lakes Inc."),
    ],
)  # fmt: skip
def test_the_bibliography_tells_who_wrote_a_source_and_where(make_report, changes, line):
    bare = replace(make_report().sources[0], published="", authors=(), site="")
    report = make_report(sources=(replace(bare, **changes),))

    assert f"### Source 1\n\n{line}\n" in to_markdown(report)
    page = to_html(report)
    entry = page[page.index('<p class="source-title">') :].partition("</p>")[0]
    assert "".join(re.sub(r"<[^>]*>", "", entry)).partition("1 ")[2] == line


def test_an_author_cannot_begin_another_line_of_the_bibliography(make_report):
    hostile = "Ada\n\n# Brandt\n- [x](javascript:alert(1)) <img src=x>"
    source = replace(make_report().sources[0], authors=(hostile, hostile), site=hostile)
    report = make_report(sources=(source,))

    rendered = Rendered(to_markdown(report))

    assert not rendered.markup - {"a"}
    line = printable(hostile)
    assert f"{line}, {line}. Lake Baikal. {line}, published 2024-01-02." in rendered.paragraphs
    assert not Outline(to_html(report)).all("img")


def test_a_report_that_lacks_a_part_is_refused_by_its_name(make_report):
    form = report_to_json(make_report())
    del form["title"]

    with pytest.raises(InvalidInput, match="title"):
        report_from_json(form)
    with pytest.raises(InvalidInput, match="the whole"):
        report_from_text("no json")


def test_markdown_has_numbered_citations_and_their_source_with_span_and_quote(make_report):
    markdown = to_markdown(make_report())

    assert "The lake is deep. [[1]](#source-1)" in markdown
    assert (
        "### Source 1\n\nAda Brandt, Hugo Grieg. Lake Baikal. Lake News, published 2024-01-02.\n"
        in markdown
    )
    assert "## Geography" in markdown
    assert "### Depth" in markdown
    assert "<https://lakes.example/baikal>" in markdown
    assert "/docs/baikal.md" in markdown
    assert "- supported: “It is 1,642 m deep.” (characters 50–69)" in markdown
    assert "## What was not found" in markdown
    assert markdown.count("No language model was used") == 1
    assert "Citations: 3 checked: 3 supported (100 %), 0 unsupported, 0 unverified" in markdown


def test_a_page_has_the_quote_behind_each_citation_and_leads_to_it(make_report):
    page = to_html(make_report())

    outline = Outline(page)
    anchors = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    links = [link["href"] for link in outline.all("a") if link["href"].startswith("#")]
    assert links.count("#cite-1") == links.count("#cite-2") == links.count("#cite-3") == 1
    assert "#source-1-1" in links
    assert "#section-1-1" in links
    assert {link.removeprefix("#") for link in links} <= anchors
    assert "No language model was used" in page
    assert "1,642" in page
    assert "supported" in page


def test_a_page_needs_nothing_from_elsewhere(make_report):
    outline = Outline(to_html(make_report()))

    policies = [meta for meta in outline.all("meta") if "http-equiv" in meta]
    assert policies[0]["content"].startswith("default-src 'none'")
    assert not outline.all("link")
    assert not any("src" in attributes for _, attributes in outline.tags)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(make_report, make_claim, text):
    source = SourceReference(
        id="s1",
        title=text,
        url=text,
        path=text,
        published=text,
        provider=text,
        sha256="",
        authors=(text, text),
        site=text,
    )
    report = make_report(
        topic=text,
        title=text,
        summary=(make_claim(text),),
        sources=(source,),
        not_found=(text,),
        sections=(Section(title=text, claims=(make_claim(text),)),),
        facts=RunFacts(
            disagreements=(
                Disagreement(
                    section=text, values=(text, text), citations=make_claim(text).citations * 2
                ),
            )
        ),
    )

    page, markdown = to_html(report), to_markdown(report)

    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page + markdown
    assert "\u202e" not in page + markdown
    rendered = Rendered(markdown)
    assert not rendered.markup - {"a"}
    assert all(re.match(r"#source-1\Z|https?://", link) for link in rendered.links)
    assert not re.search(r"<(?!https?://)[a-zA-Z/!?]", markdown)
    line = printable(text)
    assert rendered.headings[:2] == [line, "Summary"]
    assert f"{line} [1]" in rendered.paragraphs


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example/b?c=d", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://a.example/ x", False),
        ('https://a.example/"onclick=x', False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url, safe):
    assert safe_address(url) == (url if safe else "")


def test_verdicts_that_do_not_hold_are_visible(make_report, make_claim):
    report = make_report(
        summary=(
            make_claim("A.", verdict=Verdict.UNSUPPORTED),
            make_claim("B.", start=9, verdict=Verdict.UNVERIFIED),
        )
    )

    assert "A. [[1, unsupported]](#source-1)" in to_markdown(report)
    assert "B. [[1, unverified]](#source-1)" in to_markdown(report)
    assert 'class="cite unsupported"' in to_html(report)


def test_what_marks_at_citations_mean_is_told_in_words_and_their_share_in_numbers(make_report):
    facts = RunFacts(citations=4, supported=2, unsupported=1, unverified=1, repaired=3, withdrawn=2)
    report = make_report(facts=facts)

    for shown in (to_markdown(report), to_html(report)):
        assert "does not support the sentence" in shown
        assert "could not be told" in shown
        assert "4 checked: 2 supported (50 %), 1 unsupported, 1 unverified" in shown
        assert "3 sentences mended; 2 unsupported sentences left out" in shown
    assert "of 4, 1 unsupported, 1 unverified" in to_html(report)
    assert "does not support the sentence" not in to_markdown(make_report())


def test_a_mark_in_the_page_is_text_and_not_colour_or_style_alone(make_report, make_claim):
    page = to_html(make_report(summary=(make_claim("A.", verdict=Verdict.UNSUPPORTED),)))

    assert re.search(r'aria-label="Source 1, unsupported"[^>]*>1 ✗</a>', page)


def test_where_sources_disagree_both_are_told_in_their_section_and_in_the_facts(make_report):
    one, other = (
        Citation(source_id=source, passage_id="p", start=3, end=12, quote=f"It is {number} m deep.")
        for source, number in (("s1", 1642), ("s2", 1637))
    )
    said = Disagreement(section="Geography", values=("1642 m", "1637 m"), citations=(one, other))
    report = make_report(facts=RunFacts(disagreements=(said,)))

    markdown, page, form = to_markdown(report), to_html(report), report_to_json(report)

    told = (
        "Sources disagree: “1642 m” [[1]](#source-1): “It is 1642 m deep.”; "
        "but “1637 m” [[2]](#source-2): “It is 1637 m deep.”"
    )
    section, rest = markdown.split("## Geography")[1].split("### Depth")
    assert told in section
    assert told not in rest
    assert "### Source 2" in markdown
    assert 'role="note" aria-label="Sources disagree"' in page
    assert page.count("It is 1637 m deep.") == 3  # in the note, its card, and the list of sources
    facts: Any = form["facts"]
    assert facts["disagreements"][0]["values"] == ["1642 m", "1637 m"]
    assert report_from_json(form) == report


def test_a_model_is_named(make_report):
    author = ReportAuthor(kind=AuthorKind.MODEL, models=("ollama:llama",))

    assert "Written by ollama:llama" in to_markdown(make_report(author=author))


def test_unknown_cost_is_told_as_such(make_report):
    assert "Cost: not known" in to_markdown(make_report(facts=RunFacts(cost=None)))


def test_neighbours_of_one_source_stand_in_one_paragraph(make_claim):
    one, two, three = make_claim("A."), make_claim("B."), make_claim("C.", source_id="s2")

    assert paragraphs([one, two, three]) == [[one, two], [three]]
    assert paragraphs([Claim(text="D.", citations=())]) == [[Claim(text="D.", citations=())]]


def test_printable_text_is_one_line():
    assert printable(" a\x00\n b\u2066 ") == "a\N{REPLACEMENT CHARACTER} b\N{REPLACEMENT CHARACTER}"


def test_a_line_that_opens_like_a_list_or_heading_is_escaped(make_report, make_claim):
    report = make_report(summary=(make_claim("1. First."), make_claim("# Two", source_id="s2")))

    markdown = to_markdown(report)

    assert "\n1\\. First." in markdown
    assert "\n\\# Two" in markdown


def test_dashes_alone_in_a_list_are_no_rule(make_report):
    rendered = Rendered(to_markdown(make_report(not_found=("--", "- -", "---"))))

    assert "hr" not in rendered.markup
    assert {"--", "- -", "---"} <= set(rendered.paragraphs)


def test_number_signs_at_the_end_of_a_heading_stay(make_report):
    assert Rendered(to_markdown(make_report(title="Notes on C #"))).headings[0] == "Notes on C #"


class Quotes(HTMLParser):
    """The text inside the quotes of a page."""

    def __init__(self, page):
        super().__init__()
        self.quotes, self.open = [], False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "q":
            self.open = True
            self.quotes.append("")

    def handle_endtag(self, tag):
        self.open = self.open and tag != "q"

    def handle_data(self, data):
        if self.open:
            self.quotes[-1] += data


@pytest.mark.parametrize(
    "text",
    [
        *(text for text in HOSTILE if "\x1b" not in text),
        "two\n lines\tand  spaces",
        "turned \u202egnp.exe\u202c round",
        "a\rb",
    ],
)
def test_a_page_quotes_character_for_character(make_report, make_claim, text):
    page = to_html(make_report(summary=(make_claim("A.", quote=text),), sections=()))

    assert Quotes(page).quotes == [text, text]


def test_controls_in_a_quote_are_shown_and_kept_from_acting():
    assert exact("a\u202eb") == ('a<bdi class="control" data-code="U+202E">&#8238;</bdi>b')
    assert "\N{REPLACEMENT CHARACTER}" in exact("\x00")
    assert exact("\x00").isprintable()


def test_a_page_tells_its_language_and_direction(make_report):
    english, arabic = to_html(make_report()), to_html(make_report(language="ar"))

    assert Outline(english).all("html") == [{"lang": "en", "dir": "ltr"}]
    assert Outline(arabic).all("html") == [{"lang": "ar", "dir": "rtl"}]
    assert '<h2 lang="en">Summary</h2>' in arabic
    assert language_tag('"><script>') == "en"


def test_the_policy_of_a_page_allows_its_own_style_alone(make_report):
    page = to_html(make_report())

    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in page
    assert "unsafe-inline" not in page


def test_a_source_without_a_title_is_called_by_its_file(make_report):
    source = replace(make_report().sources[0], title="", published="", authors=(), site="")

    assert "### Source 1\n\nbaikal.md\n" in to_markdown(make_report(sources=(source,)))


def test_long_quotes_are_cut_after_a_word_in_markdown_and_whole_in_html(make_report, make_claim):
    quote = "word " * 100 + "end"
    report = make_report(summary=(make_claim("A.", quote=quote),))

    assert f"“{'word ' * 39}word …”" in to_markdown(report)
    assert quote in to_html(report)
    assert shortened("x" * 9, characters=4) == "xxxx …"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.284, "0.28 s"), (60, "1 min 0 s"), (178.9, "2 min 58 s"), (3840, "1 h 4 min")],
)
def test_times_are_told_as_a_person_tells_them(seconds, told):
    assert duration(seconds) == told

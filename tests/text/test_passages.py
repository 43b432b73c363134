from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.documents import Heading, ParsedDocument
from wiseflow.text.blocks import Blocks
from wiseflow.text.passages import split_passages

TEXTS = st.lists(
    st.sampled_from(
        ["A short sentence here. ", "word ", "\n\n", "\n", "```\n", "x" * 90, "# ", "- i\n", "。",
         "    ", "A much longer sentence that goes on until it comes to its end. "]
    ),
    max_size=80,
).map("".join)  # fmt: skip


@given(text=TEXTS, target=st.integers(1, 120), more=st.integers(0, 120), data=st.data())
@settings(max_examples=400, deadline=None)
def test_passages_are_in_bounds_in_order_and_cover_all_but_headings(text, target, more, data):
    starts = sorted(data.draw(st.sets(st.integers(0, max(0, len(text) - 5)), max_size=3)))
    headings = tuple(
        Heading(level=1 + index % 2, text=text[start : start + 4], start=start)
        for index, start in enumerate(starts)
        if not starts[:index] or start >= starts[index - 1] + 4
    )
    document = ParsedDocument(text=text, headings=headings)

    spans = split_passages(document, target_chars=target, most_chars=target + more)

    left = [*text]
    for span in spans:
        assert 0 < span.end - span.start <= target + more
        left[span.start : span.end] = " " * (span.end - span.start)
    assert all(first.end <= second.start for first, second in itertools.pairwise(spans))
    for heading in headings:
        left[heading.start : heading.start + 4] = "    "
    assert not "".join(left).strip()


def test_a_short_document_is_one_passage_with_its_headings():
    document = ParsedDocument(
        text="Title\n\nSome text. More text.\n", headings=(Heading(level=1, text="Title", start=0),)
    )

    (span,) = split_passages(document)

    assert (span.start, span.end, span.heading) == (0, 28, "Title")
    assert split_passages(ParsedDocument(text=" \n")) == []


def test_a_long_document_is_cut_at_its_headings():
    blocks = Blocks(10**6)
    for level, title in ((1, "One"), (2, "Two"), (2, "Three"), (1, "Four")):
        blocks.heading(level, title)
        blocks.paragraph(f"The text of section {title} is here. " * 12)
    document = blocks.document()

    spans = split_passages(document)

    assert [span.heading for span in spans] == ["One", "One › Two", "One › Three", "Four"]
    assert all(document.text[span.start : span.end].startswith("The text") for span in spans)


def test_code_stays_whole_and_long_code_is_cut_at_lines():
    code = "```\n" + "first line. Second\n\n" * 30 + "```"
    long = "```\n" + "a line of code\n" * 200 + "```"
    document = ParsedDocument(text=f"Some words.\n\n{code}\n\n{long}")

    texts = [document.text[span.start : span.end] for span in split_passages(document)]

    assert any(code in text for text in texts)
    assert all(text.endswith(("code", "```", ".")) for text in texts)


def test_a_sentence_that_is_too_long_is_cut_between_words():
    text = "word " * 1000

    spans = split_passages(ParsedDocument(text=text))

    assert all(text[span.start : span.end].split().count("word") > 100 for span in spans[:-1])
    assert max(span.end - span.start for span in spans) <= 1200


def test_paragraphs_are_put_together_up_to_the_target():
    document = ParsedDocument(text="\n\n".join(["A paragraph of some forty characters here."] * 60))

    spans = split_passages(document)

    assert all(650 < span.end - span.start < 800 for span in spans[:-1])


def test_an_impossible_target_is_refused():
    with pytest.raises(ValueError, match="target_chars"):
        split_passages(ParsedDocument(text="x"), target_chars=10, most_chars=5)

"""What sections written side by side have in common."""

from __future__ import annotations

from wiseflow.core.authoring import Draft, Evidence
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.report import Citation, Claim
from wiseflow.research.repeats import without_repeats


def claim(text: str, passage_id: str = "p1", start: int = 0) -> Claim:
    citation = Citation(
        source_id="s", passage_id=passage_id, start=start, end=start + len(text), quote=text
    )
    return Claim(text=text, citations=(citation,))


def found(*passage_ids: str) -> list[Evidence]:
    return [
        Evidence(
            hit=Hit(
                passage=Passage(
                    passage_id=one, source_id="s", start=0, end=9, text="", title="", heading=""
                ),
                score=1.0,
                language="en",
            ),
            score=1.0,
        )
        for one in passage_ids
    ]


def texts(draft: Draft) -> list[str]:
    return [one.text for one in draft.claims]


TIDES = "The tides follow the moon around the earth."
DEPTH = "The lake is four hundred metres deep."
FISH = "Seven kinds of fish live in it."


def test_a_sentence_stays_in_the_first_section_that_has_it():
    drafts = [Draft(claims=(claim(TIDES), claim(DEPTH))), Draft(claims=(claim(TIDES), claim(FISH)))]

    first, second = without_repeats(drafts, [found("p1"), found("p1")])

    assert (texts(first), texts(second)) == ([TIDES, DEPTH], [FISH])


def test_one_that_says_the_same_in_nearly_the_same_words_counts_as_said():
    nearly = "The tides follow the moon around our earth."
    drafts = [Draft(claims=(claim(TIDES),)), Draft(claims=(claim(nearly),))]

    assert texts(without_repeats(drafts, [found("p1"), found("p1")])[1]) == []


def test_a_spare_claim_takes_the_place_of_one_that_was_said_in_reading_order():
    later = Draft(
        claims=(claim(TIDES, "p1"), claim(DEPTH, "p2", 50)),
        spare=(claim(TIDES, "p3"), claim(FISH, "p2", 10)),
    )

    drafts = without_repeats(
        [Draft(claims=(claim(TIDES),)), later], [found("p1"), found("p1", "p2")]
    )

    assert texts(drafts[1]) == [FISH, DEPTH]


def test_a_section_gets_no_more_than_it_lost():
    draft = Draft(claims=(claim(TIDES),), spare=(claim(DEPTH),))

    assert without_repeats([draft], [found("p1")]) == [draft]


def test_a_spare_claim_that_a_section_before_took_is_not_taken_again():
    later = Draft(claims=(claim(TIDES),), spare=(claim(FISH),))

    drafts = without_repeats(
        [Draft(claims=(claim(TIDES),)), later, later], [found("p1"), found("p1"), found("p1")]
    )

    assert [texts(one) for one in drafts] == [[TIDES], [FISH], []]

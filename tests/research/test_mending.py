"""What becomes of claims in doubt: heard, rewritten once, marked or withdrawn; nothing invented."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.authoring import Opinion
from wiseflow.core.configuration import Unsupported
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.mending import (
    doubt_of,
    fails,
    heard,
    is_failing,
    mend,
    mend_summary,
    verdicts_of,
)
from wiseflow.research.verifying import VERDICTS, VETOES, Reason, agreed

SUPPORTED, UNSUPPORTED, UNVERIFIED = Verdict.SUPPORTED, Verdict.UNSUPPORTED, Verdict.UNVERIFIED
REASONS = st.sampled_from(list(Reason))


def cite(start=0, *, passage="s:0-90", quote="The lake is deep."):
    return Citation(
        source_id="s", passage_id=passage, start=start, end=start + len(quote), quote=quote
    )


def claim(text="The lake is profound.", *citations):
    return Claim(text=text, citations=citations or (cite(),))


def looking(found):
    """What words find, by the beginning of a claim's text; ``OPEN`` for others."""

    def look(one):
        known = (reason for start, reason in found.items() if one.text.startswith(start))
        return (next(known, Reason.OPEN),) * len(one.citations)

    return look


# Two judges


@given(REASONS, st.sampled_from(list(Verdict)))
def test_a_second_judge_never_passes_what_words_veto_nor_spoils_what_they_support(reason, opinion):
    verdict = agreed(reason, opinion)

    if reason in VETOES:
        assert verdict is UNSUPPORTED
    if VERDICTS[reason] is SUPPORTED:
        assert verdict is SUPPORTED
    if opinion is UNVERIFIED:
        assert verdict is VERDICTS[reason]


@pytest.mark.parametrize(
    ("reason", "opinion", "verdict"),
    [
        (Reason.OPEN, SUPPORTED, SUPPORTED),
        (Reason.OPEN, UNSUPPORTED, UNSUPPORTED),
        (Reason.FEW_WORDS, SUPPORTED, UNVERIFIED),
        (Reason.FEW_WORDS, UNSUPPORTED, UNSUPPORTED),
    ],
)
def test_what_words_leave_open_is_the_second_judges_and_two_that_differ_know_nothing(
    reason, opinion, verdict
):
    assert agreed(reason, opinion) is verdict


# Doubts


def test_a_claim_that_one_citation_supports_is_in_no_doubt():
    both = claim("A", cite(0), cite(20))

    assert doubt_of(both, (Reason.HELD, Reason.OPEN), {}) is None
    assert doubt_of(both, (Reason.OPEN, Reason.OPEN), {}) is not None


def test_the_fault_that_is_told_is_a_veto_before_missing_words():
    both = claim("A", cite(0), cite(20))

    doubt = doubt_of(both, (Reason.FEW_WORDS, Reason.NUMBER), {})
    only_open = doubt_of(both, (Reason.OPEN, Reason.OPEN), {})

    assert doubt is not None
    assert doubt.fault == "it has a number that none of its passages has"
    assert only_open is not None
    assert not only_open.fault


# Mending a section


def mended(one, reason, opinion, found=None, *, unsupported=Unsupported.MARK):
    reasons = (reason,) * len(one.citations)
    look = looking({one.text: reason, **(found or {})})
    return mend([one], [reasons], [opinion], look, unsupported)


def test_what_a_judge_supports_cites_the_sentence_that_it_saw():
    seen = cite(30, quote="It is very deep.")

    made = mended(claim(), Reason.OPEN, Opinion(verdict=SUPPORTED, citations=(seen,)))

    assert made.claims == (claim("The lake is profound.", replace(seen, verdict=SUPPORTED)),)
    assert made.repaired == 0


def test_what_a_judge_saw_in_another_passage_is_no_support():
    seen = cite(30, passage="other:0-90")

    made = mended(claim(), Reason.OPEN, Opinion(verdict=SUPPORTED, citations=(seen,)))

    assert made.claims == (claim(),)


def test_an_unsupported_claim_gives_way_to_what_its_passages_say():
    other = claim("The lake is deep.")
    opinion = Opinion(verdict=UNSUPPORTED, rewritten=other)

    made = mended(claim(), Reason.OPEN, opinion, {"The lake is deep.": Reason.VERBATIM})

    assert (made.claims, made.repaired) == ((other,), 1)


@pytest.mark.parametrize("unsupported", list(Unsupported))
def test_what_is_rewritten_wrongly_is_not_taken_and_the_claim_is_marked_or_dropped(unsupported):
    opinion = Opinion(verdict=UNSUPPORTED, rewritten=claim("It has 7 seas."))

    made = mended(
        claim(), Reason.NUMBER, opinion, {"It has": Reason.NUMBER}, unsupported=unsupported
    )

    dropped = unsupported is Unsupported.DROP
    assert [one.text for one in made.claims] == ([] if dropped else ["The lake is profound."])
    assert all(map(fails, made.claims))
    assert (made.repaired, made.withdrawn) == (0, int(dropped))


def test_a_citation_that_supports_nothing_goes_where_another_supports_all():
    both = claim("A", cite(0), cite(20))

    made = mend(
        [both],
        [(Reason.HELD, Reason.FEW_WORDS)],
        [None],
        lambda one: (Reason.HELD, Reason.FEW_WORDS)[: len(one.citations)],
        Unsupported.DROP,
    )

    assert made.claims == (claim("A", cite(0)),)
    assert made.repaired == 1


OPINIONS = st.builds(
    Opinion,
    verdict=st.sampled_from(list(Verdict)),
    citations=st.sampled_from([(), (cite(30),)]),
    rewritten=st.sampled_from([None, claim("Other.")]),
)


@given(
    st.lists(st.tuples(REASONS, st.one_of(st.none(), OPINIONS)), max_size=6),
    REASONS,
    st.sampled_from(list(Unsupported)),
)
def test_whatever_a_judge_says_nothing_unsupported_passes_unmarked(given_, of_other, unsupported):
    claims = [claim(f"c{place}.") for place in range(len(given_))]
    by_text = {one.text: reason for one, (reason, _) in zip(claims, given_, strict=True)}
    look = looking({**by_text, "Other": of_other})
    # Nobody is asked about what words support, and somebody about all else.
    opinions = [
        None if VERDICTS[reason] is SUPPORTED else opinion or Opinion()
        for reason, opinion in given_
    ]

    made = mend(claims, [(reason,) for reason, _ in given_], opinions, look, unsupported)

    assert len(made.claims) + made.withdrawn == len(claims)
    assert (made.withdrawn == 0) or unsupported is Unsupported.DROP
    for one in made.claims:
        failing = is_failing(one, look(one))
        assert failing == fails(one)
        assert not (failing and unsupported is Unsupported.DROP)


@given(REASONS, OPINIONS)
def test_hearing_keeps_the_claim_and_the_passages_that_it_cites(reason, opinion):
    one = claim()

    made = heard(one, (reason,), opinion)

    assert made.text == one.text
    assert [c.passage_id for c in made.citations] == [c.passage_id for c in one.citations]


# Mending a summary


def summed(summary, held, found=None, *, unsupported=Unsupported.MARK):
    return mend_summary(summary, held, looking(found or {}), unsupported, language="en")


def test_a_sentence_of_the_summary_is_as_well_supported_as_the_claim_that_says_it():
    base = claim("The lake is profound.", replace(cite(), verdict=SUPPORTED))
    said = claim("The lake is profound.")

    made = summed([said], [(base, (Reason.OPEN,))])

    assert verdicts_of(made.claims[0], (Reason.OPEN,)) == [SUPPORTED]


def test_an_opinion_on_a_claim_is_none_on_another_sentence():
    base = claim("The lake is profound.", replace(cite(), verdict=SUPPORTED))
    said = claim("Bakers rest at noon.", replace(cite(), verdict=SUPPORTED))

    made = summed([said], [(base, (Reason.OPEN,))])

    assert verdicts_of(made.claims[0], (Reason.OPEN,)) == [UNVERIFIED]


def test_an_unsupported_sentence_of_the_summary_gives_way_to_the_nearest_claim():
    near = claim("The lake is 1,642 metres deep.")
    far = claim("The lake is blue.")

    made = summed(
        [claim("The lake is 9,999 metres deep.")],
        [(far, (Reason.HELD,)), (near, (Reason.HELD,))],
        {"The lake is 9": Reason.NUMBER},
    )

    assert (made.claims, made.repaired) == ((near,), 1)


def test_what_nothing_can_stand_for_is_withdrawn_only_when_that_is_asked_for():
    said = [claim("It has 7 seas.")]
    elsewhere = [(claim("B", cite(70)), (Reason.HELD,))]

    marked = summed(said, elsewhere, {"It has": Reason.NUMBER})
    dropped = summed(said, elsewhere, {"It has": Reason.NUMBER}, unsupported=Unsupported.DROP)

    assert [one.text for one in marked.claims] == ["It has 7 seas."]
    assert (dropped.claims, dropped.withdrawn) == ((), 1)

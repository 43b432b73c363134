"""The linear mode over a real index, through the job handler."""

import re
from dataclasses import replace

import pytest

from wiseflow.core.configuration import ReportLength, ResearchMode
from wiseflow.core.errors import Cancelled
from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.core.report import AuthorKind, Verdict
from wiseflow.research.rendering.reading import all_claims, section_claims

SUBJECT = "Lake Baikal"
QUESTION = "In which city was the engineer who planned the Circum-Baikal Railway born?"


class PowerCut(Exception):
    """Raised before or after a step."""


def comparable(report):
    return replace(report, id="", facts=replace(report.facts, seconds=0.0, timeline=()))


async def test_every_citation_is_a_span_of_its_stored_source(library):
    for topic in (SUBJECT, QUESTION):
        report = await library.research(topic)

        for claim in all_claims(report):
            for citation in claim.citations:
                stored = library.sources.known[citation.source_id].text
                assert stored[citation.start : citation.end] == citation.quote == claim.text
                assert citation.verdict is Verdict.SUPPORTED


async def test_a_subject_becomes_a_report_with_sections_summary_and_sources(library):
    report = await library.research(SUBJECT)

    assert report.title == "Lake Baikal"
    assert report.author.kind is AuthorKind.EXTRACTIVE
    assert report.sections
    assert 1 <= len(report.summary) <= 5
    assert {source.id for source in report.sources} <= {"baikal", "seal", "railway"}
    assert all(source.sha256 and source.path for source in report.sources)


async def test_a_source_without_a_title_is_named_by_its_id(library):
    report = await library.research("sourdough starter")

    assert {source.id: source.title for source in report.sources} == {"bread": "bread"}


async def test_no_sentence_is_said_twice_in_the_sections(library):
    report = await library.research(SUBJECT, length=ReportLength.DETAILED)

    said = [claim.text for claim in section_claims(report.sections)]
    assert len(said) == len(set(said))


async def test_a_question_over_two_documents_finds_both(library):
    report = await library.research(QUESTION)

    texts = " ".join(claim.text for claim in all_claims(report))
    assert "planned by the engineer Boris Savrimovich" in texts
    assert "born in Riga" in texts
    assert len(report.sections) == 1


async def test_a_topic_that_the_documents_do_not_hold_fails_with_that_reason(library):
    run = library.run("Quantum chromodynamics on the lattice")

    outcome = await library.handler(run)

    assert outcome.status is JobStatus.FAILED
    assert outcome.stop_reason is StopReason.NO_EVIDENCE
    assert "Quantum chromodynamics" in outcome.error
    assert not library.reports.kept


async def test_a_topic_met_by_common_words_only_counts_as_not_held(library):
    run = library.run("Which lake did the pharaoh Ramesses dig at Memphis for his queen?")

    outcome = await library.handler(run)

    assert outcome.stop_reason is StopReason.NO_EVIDENCE


async def test_given_section_titles_are_used_and_empty_ones_named(library):
    report = await library.research(
        "Lake Baikal", report_structure=("Seals and wildlife", "The railway")
    )

    titles = [section.title for section in report.sections]
    missing = [title for title in ("Seals and wildlife", "The railway") if title not in titles]
    assert titles
    assert all(any(title in line for line in report.not_found) for title in missing)


async def test_facts_count_what_was_done(library):
    report = await library.research(SUBJECT)

    facts = report.facts
    assert facts.citations == sum(len(claim.citations) for claim in all_claims(report))
    assert facts.supported == facts.citations
    assert facts.queries >= 2
    assert facts.passages_considered >= len(report.sources)
    assert (facts.calls, facts.tokens, facts.cost) == (0, 0, 0.0)
    assert facts.seconds > 0


async def test_a_word_that_no_passage_has_is_told(library):
    report = await library.research("Lake Baikal submarines")

    assert any("submarines" in line for line in report.not_found)


async def test_a_focus_that_no_passage_names_is_told(library):
    report = await library.research(SUBJECT, focus_entities=("Atlantis",))

    assert any("Atlantis" in line for line in report.not_found)


async def test_events_tell_the_way_and_progress_only_grows(library):
    run = library.run(SUBJECT)

    await library.handler(run)

    kinds = [kind for kind, _ in run.events]
    assert kinds[0] == "plan"
    assert {"query", "source", "draft"} < set(kinds)
    assert kinds[-1] == "verdict"
    assert run.fractions == sorted(run.fractions)
    assert run.fractions[-1] == 1.0


async def test_few_steps_and_calls_are_made(library):
    run = library.run(QUESTION)

    await library.handler(run)

    assert len(run.journal.journal._store.written) == 5
    assert library.compute.calls == ["gather", "plan", "gather", "write", "synthesise"]


async def test_the_report_cites_what_the_store_is_told_to_keep(library):
    report = await library.research(SUBJECT)

    assert library.reports.cited["job"] == [source.id for source in report.sources]


@pytest.mark.parametrize("mode", list(ResearchMode))
@pytest.mark.parametrize("moment", ["fail_before", "fail_after"])
async def test_a_run_broken_off_at_any_step_ends_as_an_undisturbed_one(library, moment, mode):
    undisturbed = library.run(SUBJECT, job_id="undisturbed", research_mode=mode)
    await library.handler(undisturbed)
    expected = comparable(library.reports.kept["undisturbed"])

    for step in undisturbed.journal.journal._store.written:
        steps = undisturbed.journal.journal._store.__class__()
        broken = library.run(SUBJECT, steps=steps, research_mode=mode)
        getattr(broken.journal, moment)[step] = PowerCut(f"at {step}")
        with pytest.raises(PowerCut, match=f"^at {re.escape(step)}$"):
            await library.handler(broken)
        done = list(steps.written)
        library.compute.calls.clear()
        resumed = library.run(SUBJECT, steps=steps, research_mode=mode)
        await library.handler(resumed)

        assert comparable(library.reports.kept["job"]) == expected
        assert steps.written[: len(done)] == done
        assert len(steps.written) == len(set(steps.written))
        if "plan" in done:
            assert "plan" not in library.compute.calls
            assert "plan" not in [kind for kind, _ in resumed.events]


async def test_a_cancelled_run_stops_at_the_next_step(library):
    run = library.run(SUBJECT)
    run.cancelled = Cancelled("somebody asked")

    with pytest.raises(Cancelled):
        await library.handler(run)

    assert run.journal.journal._store.written == []
    assert not library.reports.kept


async def test_a_source_that_is_gone_leaves_its_citations_unverified(library):
    library.sources.known.pop("baikal")

    report = await library.research(SUBJECT)

    gone = [
        citation.verdict
        for claim in all_claims(report)
        for citation in claim.citations
        if citation.source_id == "baikal"
    ]
    assert set(gone) == {Verdict.UNVERIFIED}
    assert report.facts.unverified == len(gone)


async def test_a_report_in_a_language_that_no_document_has_finds_nothing(library):
    run = library.run(SUBJECT, language="fr")

    outcome = await library.handler(run)

    assert outcome.stop_reason is StopReason.NO_EVIDENCE

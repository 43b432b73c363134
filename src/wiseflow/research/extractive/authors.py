"""The extractive author: a thin adapter that does its work in worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wiseflow.core.authoring import (
    Assignment,
    Critique,
    Doubts,
    Draft,
    Findings,
    Gathered,
    Inquiry,
    Opinion,
    Plan,
    Synthesis,
    WrittenSection,
)
from wiseflow.core.configuration import Configuration
from wiseflow.core.ports import Compute
from wiseflow.core.report import AuthorKind, ReportAuthor
from wiseflow.research.extractive.corpus import vocabulary
from wiseflow.research.extractive.planning import main_language, make_plan
from wiseflow.research.extractive.reading import read
from wiseflow.research.extractive.reconsidering import reconsider
from wiseflow.research.extractive.studying import criticise, read_on
from wiseflow.research.extractive.summing import sum_up
from wiseflow.research.extractive.wanting import is_question, read_topic
from wiseflow.research.extractive.writing import write_section


class ExtractiveAuthor:
    """Plans and writes with sentences of the documents; uses no model.

    Args:
        compute: where the work is done.
        index_folder: of the collection's index, which tells how rare a word is; ``None`` when the
            passages are of the web, and only themselves tell it.
    """

    def __init__(self, compute: Compute, index_folder: Path | None) -> None:
        self._compute = compute
        self._folder = index_folder

    @property
    def author(self) -> ReportAuthor:
        """Who the report will name as its author."""
        return ReportAuthor(kind=AuthorKind.EXTRACTIVE)

    async def plan(self, topic: str, configuration: Configuration, overview: Gathered) -> Plan:
        """The sections of a report on ``topic``. Raises ``NoEvidence``."""
        return await self._compute.run(plan, self._folder, topic, configuration, overview)

    async def read(self, inquiry: Inquiry) -> Findings:
        """What the best passages of a question leave open."""
        return await self._compute.run(study, self._folder, inquiry)

    async def write(self, assignment: Assignment) -> Draft:
        """The claims of one section."""
        return await self._compute.run(write, self._folder, assignment)

    async def critique(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Critique:
        """The sections that say too little."""
        del topic, configuration  # by its title alone
        return await self._compute.run(criticise_all, self._folder, tuple(written))

    async def synthesise(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Synthesis:
        """The summary of a report, and what was not found."""
        parts = tuple(written)
        return await self._compute.run(synthesise, self._folder, topic, configuration, parts)

    async def reconsider(self, doubts: Doubts) -> Sequence[Opinion]:
        """A sentence of its passages for each claim that words find unsupported."""
        return [reconsider(doubt) for doubt in doubts.doubts]


def plan(folder: Path | None, topic: str, configuration: Configuration, overview: Gathered) -> Plan:
    """The body of ``ExtractiveAuthor.plan``. Raises ``NoEvidence``."""
    return make_plan(topic, configuration, overview, vocabulary(folder, overview.evidence))


def study(folder: Path | None, inquiry: Inquiry) -> Findings:
    """The body of ``ExtractiveAuthor.read``."""
    known = vocabulary(folder, inquiry.evidence)
    question = is_question(inquiry.topic, inquiry.language)
    asked = inquiry.queries[0] if inquiry.queries else inquiry.question
    return read_on(inquiry, read_topic(asked, inquiry.language, known, question=question))


def criticise_all(folder: Path | None, written: Sequence[WrittenSection]) -> Critique:
    """The body of ``ExtractiveAuthor.critique``."""
    known = vocabulary(folder, [item for part in written for item in part.evidence])
    language = main_language([read(item.hit) for part in written for item in part.evidence])
    wanted = [read_topic(part.section.title, language, known) for part in written]
    return criticise(written, wanted)


def write(folder: Path | None, assignment: Assignment) -> Draft:
    """The body of ``ExtractiveAuthor.write``."""
    language = assignment.language
    question = is_question(assignment.topic, language)
    asked = assignment.section.queries[0]
    known = vocabulary(folder, assignment.evidence)
    wanted = read_topic(asked, language, known, question=question)
    return write_section(assignment, wanted)


def synthesise(
    folder: Path | None, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
) -> Synthesis:
    """The body of ``ExtractiveAuthor.synthesise``."""
    evidence = [item for part in written for item in part.evidence]
    readings = [read(item.hit) for item in evidence]
    language = configuration.language or main_language(readings)
    wanted = read_topic(topic, language, vocabulary(folder, evidence))
    return sum_up(configuration, written, wanted)

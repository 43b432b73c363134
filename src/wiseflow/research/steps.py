"""The steps that all modes are made of: plan, gather, read, write, sum up, verify.

Few and coarse steps, each journalled by name. Events are told inside the step they belong to, so
that a resumed run does not tell again what is journalled. What fails for good is noted as a loss,
and the run goes on without; what is lost is journalled with the summary that was made without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from wiseflow.core.authoring import (
    Assignment,
    Critique,
    Draft,
    Evidence,
    EvidenceRequest,
    Findings,
    Gathered,
    Inquiry,
    Plan,
    PlannedSection,
)
from wiseflow.core.configuration import ReportLength, ResearchMode
from wiseflow.core.report import Report
from wiseflow.research.approving import approved_plan
from wiseflow.research.asking import Question
from wiseflow.research.closing import Close, Planning, Work, written_sections
from wiseflow.research.holding import hold
from wiseflow.research.losing import LOSING
from wiseflow.research.running import Run, Team
from wiseflow.research.track import Track

OVERVIEW_PASSAGES = 60
EVIDENCE_PASSAGES = {ReportLength.BRIEF: 6, ReportLength.NORMAL: 10, ReportLength.DETAILED: 16}
# Shares of the whole, for the progress that a user sees.
PLANNED, WRITTEN = 0.1, 0.9


class Steps:
    """The steps of one run.

    Args:
        run: the job it runs in.
        question: what is researched.
        team: who does the work.
    """

    def __init__(self, run: Run, question: Question, team: Team) -> None:
        self.team = team
        self.topic = question.topic
        self.configuration = question.configuration
        self._question = question
        self._track = Track(run, team.clock)
        self._writing_from = PLANNED
        self._drafts = 0  # written in this attempt

    async def plan(self) -> Planning:
        """The plan, approved where that was asked for.

        Raises what the retriever and the author raise, as without it there is nothing.
        """
        planning = await self._track.once("plan", "", self._make_plan, Planning)
        plan = await approved_plan(self._track.run, planning.plan, self._question)
        return replace(planning, plan=plan)

    async def gather(
        self, step_key: str, title: str, request: EvidenceRequest, **told: object
    ) -> Gathered | None:
        """What was found for a request; ``None`` when that is lost.

        Args:
            step_key: of the journal.
            title: of the section or the question, for the loss.
            request: what to look for.
            told: what the events tell beside it, such as ``section=2``.
        """

        async def step() -> Gathered:
            gathered = await self.team.retriever.gather(request)
            await self._track.tell("query", **told, queries=list(gathered.queries))
            await self._track.tell("source", **told, sources=_sources(gathered))
            if gathered.missed:
                missed = [asdict(one) for one in gathered.missed]
                await self._track.tell("missed", **told, missed=missed)
            return gathered

        try:
            return await self._track.once(step_key, title, step, Gathered)
        except LOSING as error:
            self._track.losses.note(step_key, title, error)
            return None

    async def read(self, inquiry: Inquiry, **told: object) -> Findings | None:
        """What a question's passages show; ``None`` when they could not be read."""

        async def step() -> Findings:
            findings = await self.team.author.read(inquiry)
            entities, questions = list(findings.entities), list(findings.questions)
            await self._track.tell(
                "reading", **told, question=inquiry.question, answered=findings.answered,
                entities=entities, questions=questions,
            )  # fmt: skip
            return findings

        try:
            return await self._track.once(inquiry.step, inquiry.question, step, Findings)
        except LOSING as error:
            self._track.losses.note(inquiry.step, inquiry.question, error)
            return None

    async def write(
        self, step_key: str, assignment: Assignment, found: Gathered | None, *, of: int
    ) -> Draft | None:
        """The draft of a section; ``None`` when it is lost, or nothing could be searched for it.

        Args:
            step_key: of the journal.
            assignment: what to write, from what.
            found: what was found for it.
            of: how many sections there are.
        """
        if found is None:
            return None

        async def step() -> Draft:
            draft = await self.team.author.write(assignment)
            await self._track.tell(
                "draft",
                section=assignment.place,
                title=assignment.section.title,
                claims=len(draft.claims),
                cost=self.team.spent().cost,
            )
            self._drafts += 1
            share = min(self._drafts / of, 1.0)
            await self._track.reached(self._writing_from + (WRITTEN - self._writing_from) * share)
            return draft

        try:
            draft = await self._track.once(step_key, assignment.section.title, step, Draft)
        except LOSING as error:
            self._track.losses.note(step_key, assignment.section.title, error)
            return None
        held_key = f"{step_key.removesuffix('draft')}held"
        return await hold(
            self._track.run, self.team, assignment, draft, step_key=held_key,
            unsupported=self.configuration.unsupported,
        )  # fmt: skip

    async def critique(self, step_key: str, plan: Plan, works: Sequence[Work]) -> Critique:
        """What is wanting in the sections; nothing when nobody could tell."""

        async def step() -> Critique:
            written = written_sections(plan, works, ())
            critique = await self.team.author.critique(self.topic, self.configuration, written)
            remarks = [asdict(remark) for remark in critique.remarks]
            await self._track.tell("critique", remarks=remarks)
            return critique

        try:
            return await self._track.once(step_key, "", step, Critique)
        except LOSING as error:
            self._track.losses.note(step_key, "", error)
            return Critique()

    async def report(
        self, research_id: str, mode: ResearchMode, planning: Planning, works: Sequence[Work]
    ) -> Report:
        """The report of what was written; see ``Close.report``. Raises as that does."""
        close = Close(self._track, self._question, self.team)
        return await close.report(research_id, mode, planning, works)

    def request(
        self, queries: tuple[str, ...], *, follow_ups: int = 0, limit: int | None = None
    ) -> EvidenceRequest:
        """What to look for, by the run's configuration."""
        configuration = self.configuration
        return EvidenceRequest(
            topic=self.topic,
            queries=queries[: configuration.number_of_queries],
            limit=limit or EVIDENCE_PASSAGES[configuration.length],
            follow_ups=follow_ups,
            language=configuration.language,
            focus_entities=configuration.focus_entities,
        )

    def assignment(
        self, plan: Plan, place: int, evidence: tuple[Evidence, ...], remarks: tuple[str, ...] = ()
    ) -> Assignment:
        """What to write for the section at ``place``."""
        return Assignment(
            topic=self.topic,
            section=plan.sections[place],
            evidence=evidence,
            language=plan.language,
            length=self.configuration.length,
            place=place,
            remarks=remarks,
        )

    async def reached(self, fraction: float) -> None:
        """Tell how far the run is, 0–1."""
        await self._track.reached(fraction)

    async def explored(self, fraction: float) -> None:
        """Tell how far it is before the writing begins, which goes on from there."""
        self._writing_from = fraction
        await self._track.reached(fraction)

    async def _make_plan(self) -> Planning:
        overview = await self.team.retriever.gather(self._overview())
        plan = await self.team.author.plan(self.topic, self.configuration, overview)
        await self._track.tell(
            "plan",
            title=plan.title,
            language=plan.language,
            sections=[_as_told(section) for section in plan.sections],
        )
        await self._track.reached(PLANNED)
        return Planning(plan=plan, queries=len(overview.queries), considered=overview.considered)

    def _overview(self) -> EvidenceRequest:
        return EvidenceRequest(
            topic=self.topic,
            queries=(self.topic, *self.configuration.focus_entities),
            limit=OVERVIEW_PASSAGES,
            overview=True,
            language=self.configuration.language,
            focus_entities=self.configuration.focus_entities,
        )


def _as_told(section: PlannedSection) -> Mapping[str, object]:
    return {"title": section.title, "queries": list(section.queries)}


def _sources(gathered: Gathered) -> list[Mapping[str, object]]:
    """The distinct sources of what was found, as an event tells them."""
    found = {evidence.hit.passage.source_id: evidence for evidence in gathered.evidence}
    return [
        {
            "source_id": source_id,
            "title": evidence.hit.passage.title,
            "path": evidence.hit.path,
            "url": evidence.hit.url,
            "provider": evidence.provider,
        }
        for source_id, evidence in found.items()
    ]

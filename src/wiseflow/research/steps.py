"""The steps that all modes are made of: plan, gather, read, write, sum up, verify.

Few and coarse steps, each journalled by name. Events are told inside the step they belong to, so
that a resumed run does not tell again what is journalled. What fails for good is noted as a loss,
and the run goes on without; what is lost is journalled with the summary that was made without.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

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
    Synthesis,
    WrittenSection,
)
from wiseflow.core.configuration import ReportLength, ResearchMode
from wiseflow.core.report import Loss, Report, StepSpan
from wiseflow.research.approving import approved_plan
from wiseflow.research.asking import Question
from wiseflow.research.assembling import Material, assemble
from wiseflow.research.checking import Checked, check_citations, cited_claims
from wiseflow.research.holding import hold, hold_summary, to_rest_on
from wiseflow.research.losing import (
    LOSING,
    Losses,
    best_claims,
    loss_of,
    reason_for_nothing,
    to_sum_up,
    unanswered,
    without_lost,
)
from wiseflow.research.repeats import without_repeats
from wiseflow.research.running import Run, Team

T = TypeVar("T")
OVERVIEW_PASSAGES = 60
EVIDENCE_PASSAGES = {ReportLength.BRIEF: 6, ReportLength.NORMAL: 10, ReportLength.DETAILED: 16}
# Shares of the whole, for the progress that a user sees.
PLANNED, WRITTEN = 0.1, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """The journalled result of the step ``plan``."""

    plan: Plan
    queries: int
    considered: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The journalled result of the step ``summary``."""

    synthesis: Synthesis
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The journalled result of the step ``verify``."""

    synthesis: Synthesis
    checked: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What became of a section: what was found for it, and its draft; ``None`` is lost."""

    found: Gathered | None
    draft: Draft | None


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
        self._run = run
        self._began = team.clock.monotonic()
        self._writing_from = PLANNED
        self._drafts = 0  # written in this attempt
        self._losses = Losses()  # of this attempt
        self._timeline: list[StepSpan] = []  # of this attempt

    async def plan(self) -> Planning:
        """The plan, approved where that was asked for.

        Raises what the retriever and the author raise, as without it there is nothing.
        """
        planning = await self._once("plan", "", self._make_plan, Planning)
        plan = await approved_plan(self._run, planning.plan, self._question)
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
            await self._tell("query", **told, queries=list(gathered.queries))
            await self._tell("source", **told, sources=_sources(gathered))
            if gathered.missed:
                missed = [asdict(one) for one in gathered.missed]
                await self._tell("missed", **told, missed=missed)
            return gathered

        try:
            return await self._once(step_key, title, step, Gathered)
        except LOSING as error:
            self._losses.note(step_key, title, error)
            return None

    async def read(self, inquiry: Inquiry, **told: object) -> Findings | None:
        """What a question's passages show; ``None`` when they could not be read."""

        async def step() -> Findings:
            findings = await self.team.author.read(inquiry)
            entities, questions = list(findings.entities), list(findings.questions)
            await self._tell(
                "reading", **told, question=inquiry.question, answered=findings.answered,
                entities=entities, questions=questions,
            )  # fmt: skip
            return findings

        try:
            return await self._once(inquiry.step, inquiry.question, step, Findings)
        except LOSING as error:
            self._losses.note(inquiry.step, inquiry.question, error)
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
            await self._tell(
                "draft",
                section=assignment.place,
                title=assignment.section.title,
                claims=len(draft.claims),
                cost=self.team.spent().cost,
            )
            self._drafts += 1
            share = min(self._drafts / of, 1.0)
            await self.reached(self._writing_from + (WRITTEN - self._writing_from) * share)
            return draft

        try:
            draft = await self._once(step_key, assignment.section.title, step, Draft)
        except LOSING as error:
            self._losses.note(step_key, assignment.section.title, error)
            return None
        held_key = f"{step_key.removesuffix('draft')}held"
        return await hold(
            self._run, self.team, assignment, draft, step_key=held_key,
            unsupported=self.configuration.unsupported,
        )  # fmt: skip

    async def critique(self, step_key: str, plan: Plan, works: Sequence[Work]) -> Critique:
        """What is wanting in the sections; nothing when nobody could tell."""

        async def step() -> Critique:
            written = _written(plan, works, ())
            critique = await self.team.author.critique(self.topic, self.configuration, written)
            remarks = [asdict(remark) for remark in critique.remarks]
            await self._tell("critique", remarks=remarks)
            return critique

        try:
            return await self._once(step_key, "", step, Critique)
        except LOSING as error:
            self._losses.note(step_key, "", error)
            return Critique()

    async def report(
        self, research_id: str, mode: ResearchMode, planning: Planning, works: Sequence[Work]
    ) -> Report:
        """The sections summed up, their citations verified, and all of it put together.

        Raises:
            NoEvidence: no section says anything; or the first loss, when there was one.
        """
        ending = await self._sum_up(planning.plan, works)
        written = _written(planning.plan, works, ending.losses)
        closing = await self._verify(planning.plan, written, ending.synthesis)
        found = [work.found for work in works if work.found]
        material = Material(
            plan=planning.plan,
            author=self.team.author.author,
            written=written,
            synthesis=closing.synthesis,
            checked=closing.checked,
            losses=ending.losses,
            queries=planning.queries + sum(len(one.queries) for one in found),
            considered=len({*planning.considered}.union(*(one.considered for one in found))),
            seconds=self._passed_s(),
            timeline=tuple(self._timeline),
        )
        return assemble(research_id, mode, self._question, material)

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
        await self._run.progress(round(fraction, 3))

    async def explored(self, fraction: float) -> None:
        """Tell how far it is before the writing begins, which goes on from there."""
        self._writing_from = fraction
        await self.reached(fraction)

    async def _make_plan(self) -> Planning:
        overview = await self.team.retriever.gather(self._overview())
        plan = await self.team.author.plan(self.topic, self.configuration, overview)
        await self._tell(
            "plan",
            title=plan.title,
            language=plan.language,
            sections=[_as_told(section) for section in plan.sections],
        )
        await self.reached(PLANNED)
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

    async def _sum_up(self, plan: Plan, works: Sequence[Work]) -> Ending:
        async def step() -> Ending:
            found = [work.found for work in works]
            losses = (*self._losses.in_order(), *unanswered(plan, found))
            written = _written(plan, works, losses)
            if not any(item.draft.claims for item in written):
                raise reason_for_nothing(self.topic, self._losses.first)
            ending = await self._end(plan, to_rest_on(to_sum_up(written, losses)), losses)
            for loss in ending.losses:
                await self._tell("lost", step=loss.step, title=loss.title, reason=loss.reason)
            return ending

        return await self._once("summary", "", step, Ending)

    async def _end(
        self, plan: Plan, written: Sequence[WrittenSection], losses: tuple[Loss, ...]
    ) -> Ending:
        """The summary; the best claims in its place when it is lost."""
        try:
            synthesis = await self.team.author.synthesise(self.topic, self.configuration, written)
        except LOSING as error:
            claims = best_claims(self.topic, plan.language, written)
            lost = loss_of("summary", "", error)
            return Ending(synthesis=Synthesis(summary=claims), losses=(*losses, lost))
        return Ending(synthesis=synthesis, losses=losses)

    async def _verify(
        self, plan: Plan, written: Sequence[WrittenSection], synthesis: Synthesis
    ) -> Closing:
        async def step() -> Closing:
            sources, language = self.team.sources, plan.language
            unsupported = self.configuration.unsupported
            held = await hold_summary(
                synthesis, written, sources, language=language, unsupported=unsupported
            )
            checked = await check_citations(cited_claims(written, held), sources, language=language)
            await self._tell("verdict", **checked.counts(), cost=self.team.spent().cost)
            await self.reached(1.0)
            return Closing(synthesis=held, checked=checked)

        return await self._once("verify", "", step, Closing)

    async def _once(
        self, step_key: str, title: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of a step, which is made once, and when it was made."""

        async def timed() -> T:
            start_s = self._passed_s()
            result = await function()
            self._timeline.append(
                StepSpan(step=step_key, title=title, start_s=start_s, end_s=self._passed_s())
            )
            return result

        self._run.check()
        return await self._run.journal.once(step_key, timed, result_type)

    def _passed_s(self) -> float:
        return round(self.team.clock.monotonic() - self._began, 3)

    async def _tell(self, event_type: str, **data: object) -> None:
        await self._run.emit(event_type, data)


def _as_told(section: PlannedSection) -> Mapping[str, object]:
    return {"title": section.title, "queries": list(section.queries)}


def _written(
    plan: Plan, works: Sequence[Work], losses: Iterable[Loss]
) -> tuple[WrittenSection, ...]:
    """The sections, those that are lost without a claim, and nothing said twice."""
    evidence = [work.found.evidence if work.found else () for work in works]
    kept = without_repeats(without_lost([work.draft for work in works], losses), evidence)
    return tuple(
        WrittenSection(section=section, evidence=given, draft=draft)
        for section, given, draft in zip(plan.sections, evidence, kept, strict=True)
    )


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

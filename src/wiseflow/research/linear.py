"""The linear mode: plan sections, make them all side by side, sum up, verify.

Few and coarse steps, each journalled by name: ``plan``, ``sections/{i}/evidence``,
``sections/{i}/draft``, ``summary``, ``verify``. Events are told inside the step they belong to, so
that a resumed run does not tell again what is journalled.

A section whose search or writing failed for good is lost, and the others go on without it; what is
lost is journalled with the summary that was made without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from wiseflow.core.authoring import (
    Assignment,
    Draft,
    EvidenceRequest,
    Gathered,
    Plan,
    PlannedSection,
    Synthesis,
    WrittenSection,
)
from wiseflow.core.configuration import ReportLength, ResearchMode
from wiseflow.core.report import Loss, Report
from wiseflow.research.asking import Question
from wiseflow.research.assembling import Material, assemble
from wiseflow.research.checking import Checked, check_citations, cited_claims
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


async def research_linearly(run: Run, research_id: str, question: Question, team: Team) -> Report:
    """The verified report on a question.

    Raises:
        NoEvidence: the documents hold nothing on the topic.
        CallError: no plan could be made, or every section is lost; the first reason.
        BudgetSpent: likewise, as the run may spend no more.
        Cancelled: somebody asked for the run to stop.
        LeaseLost: another worker holds the run now.
    """
    started = team.clock.monotonic()
    mode = _Linear(run, question, team)
    planning = await mode.plan()
    gathered, drafts = await mode.make_sections(planning.plan)
    ending = await mode.sum_up(planning.plan, gathered, drafts)
    written = _written(planning.plan, gathered, drafts, ending.losses)
    checked = await mode.verify(planning.plan, written, ending.synthesis)
    material = Material(
        plan=planning.plan,
        author=team.author.author,
        written=written,
        synthesis=ending.synthesis,
        checked=checked,
        losses=ending.losses,
        queries=planning.queries + sum(len(found.queries) for found in gathered if found),
        considered=len(
            {*planning.considered}.union(*(found.considered for found in gathered if found))
        ),
        seconds=team.clock.monotonic() - started,
    )
    return assemble(research_id, ResearchMode.LINEAR, question, material)


class _Linear:
    """The steps of one run."""

    def __init__(self, run: Run, question: Question, team: Team) -> None:
        self._run = run
        self._topic = question.topic
        self._configuration = question.configuration
        self._team = team
        self._drafts = 0  # written in this attempt
        self._losses = Losses()  # of this attempt

    async def plan(self) -> Planning:
        return await self._run.journal.once("plan", self._make_plan, Planning)

    async def make_sections(self, plan: Plan) -> tuple[list[Gathered | None], list[Draft | None]]:
        """What was found for each section, and its draft; ``None`` for what is lost.

        Each section is written as soon as its own evidence is there.
        """
        made = await self._team.branches.all(
            "make section",
            [partial(self._section, index, plan) for index in range(len(plan.sections))],
        )
        return [found for found, _ in made], [draft for _, draft in made]

    async def _section(self, index: int, plan: Plan) -> tuple[Gathered | None, Draft | None]:
        found = await self._gather(index, plan)
        return found, await self._write(index, plan, found)

    async def _gather(self, index: int, plan: Plan) -> Gathered | None:
        async def step() -> Gathered:
            gathered = await self._team.retriever.gather(self._request(plan.sections[index]))
            await self._tell("query", section=index, queries=list(gathered.queries))
            await self._tell("source", section=index, sources=_sources(gathered))
            if gathered.missed:
                missed = [asdict(one) for one in gathered.missed]
                await self._tell("missed", section=index, missed=missed)
            return gathered

        self._run.check()
        try:
            return await self._run.journal.once(f"sections/{index}/evidence", step, Gathered)
        except LOSING as error:
            self._losses.note(index, plan, "evidence", error)
            return None

    async def _write(self, index: int, plan: Plan, found: Gathered | None) -> Draft | None:
        if found is None:
            return None
        section = plan.sections[index]
        assignment = Assignment(
            topic=self._topic,
            section=section,
            evidence=found.evidence,
            language=plan.language,
            length=self._configuration.length,
            place=index,
        )

        async def step() -> Draft:
            draft = await self._team.author.write(assignment)
            await self._tell(
                "draft",
                section=index,
                title=section.title,
                claims=len(draft.claims),
                cost=self._team.spent().cost,
            )
            self._drafts += 1
            await self._reached(PLANNED + (WRITTEN - PLANNED) * self._drafts / len(plan.sections))
            return draft

        self._run.check()
        try:
            return await self._run.journal.once(f"sections/{index}/draft", step, Draft)
        except LOSING as error:
            self._losses.note(index, plan, "draft", error)
            return None

    async def sum_up(
        self, plan: Plan, gathered: Sequence[Gathered | None], drafts: Sequence[Draft | None]
    ) -> Ending:
        async def step() -> Ending:
            losses = (*self._losses.in_order(), *unanswered(plan, gathered))
            written = _written(plan, gathered, drafts, losses)
            if not any(item.draft.claims for item in written):
                raise reason_for_nothing(self._topic, self._losses.first)
            ending = await self._end(plan, to_sum_up(written, losses), losses)
            for loss in ending.losses:
                await self._tell("lost", step=loss.step, title=loss.title, reason=loss.reason)
            return ending

        self._run.check()
        return await self._run.journal.once("summary", step, Ending)

    async def _end(
        self, plan: Plan, written: Sequence[WrittenSection], losses: tuple[Loss, ...]
    ) -> Ending:
        """The summary; the best claims in its place when it is lost."""
        try:
            synthesis = await self._team.author.synthesise(
                self._topic, self._configuration, written
            )
        except LOSING as error:
            claims = best_claims(self._topic, plan.language, written)
            lost = loss_of("summary", "", error)
            return Ending(synthesis=Synthesis(summary=claims), losses=(*losses, lost))
        return Ending(synthesis=synthesis, losses=losses)

    async def verify(
        self, plan: Plan, written: Sequence[WrittenSection], synthesis: Synthesis
    ) -> Checked:
        async def step() -> Checked:
            checked = await check_citations(
                cited_claims(written, synthesis), self._team.sources, language=plan.language
            )
            await self._tell("verdict", **checked.counts(), cost=self._team.spent().cost)
            await self._reached(1.0)
            return checked

        self._run.check()
        return await self._run.journal.once("verify", step, Checked)

    async def _make_plan(self) -> Planning:
        overview = await self._team.retriever.gather(self._overview())
        plan = await self._team.author.plan(self._topic, self._configuration, overview)
        await self._tell(
            "plan",
            title=plan.title,
            language=plan.language,
            sections=[
                {"title": section.title, "queries": list(section.queries)}
                for section in plan.sections
            ],
        )
        await self._reached(PLANNED)
        return Planning(plan=plan, queries=len(overview.queries), considered=overview.considered)

    def _overview(self) -> EvidenceRequest:
        return EvidenceRequest(
            topic=self._topic,
            queries=(self._topic, *self._configuration.focus_entities),
            limit=OVERVIEW_PASSAGES,
            overview=True,
            language=self._configuration.language,
            focus_entities=self._configuration.focus_entities,
        )

    def _request(self, section: PlannedSection) -> EvidenceRequest:
        return EvidenceRequest(
            topic=self._topic,
            queries=section.queries[: self._configuration.number_of_queries],
            limit=EVIDENCE_PASSAGES[self._configuration.length],
            follow_ups=self._configuration.max_search_depth - 1,
            language=self._configuration.language,
            focus_entities=self._configuration.focus_entities,
        )

    async def _tell(self, event_type: str, **data: object) -> None:
        await self._run.emit(event_type, data)

    async def _reached(self, fraction: float) -> None:
        await self._run.progress(round(fraction, 3))


def _written(
    plan: Plan,
    gathered: Sequence[Gathered | None],
    drafts: Sequence[Draft | None],
    losses: Iterable[Loss],
) -> tuple[WrittenSection, ...]:
    """The sections, those that are lost without a claim, and nothing said twice."""
    evidence = [found.evidence if found else () for found in gathered]
    kept = without_repeats(without_lost(drafts, losses), evidence)
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

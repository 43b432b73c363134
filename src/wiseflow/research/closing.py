"""The end of every mode: the sections summed up, their citations verified, the report put together.

What is lost is journalled with the summary that was made without, so that a resumed run reports
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Draft, Gathered, Plan, Synthesis, WrittenSection
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.report import Loss, Report
from wiseflow.research.asking import Question
from wiseflow.research.assembling import Material, assemble
from wiseflow.research.checking import Checked, check_citations, cited_claims
from wiseflow.research.holding import hold_summary, to_rest_on
from wiseflow.research.losing import (
    LOSING,
    best_claims,
    loss_of,
    reason_for_nothing,
    to_sum_up,
    unanswered,
    without_lost,
)
from wiseflow.research.repeats import without_repeats
from wiseflow.research.running import Team
from wiseflow.research.track import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """The journalled result of the step ``plan``."""

    plan: Plan
    queries: int
    considered: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What became of a section: what was found for it, and its draft; ``None`` is lost."""

    found: Gathered | None
    draft: Draft | None


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


class Close:
    """Makes a report of what a mode has written.

    Args:
        track: the attempt that it ends.
        question: what is researched.
        team: who does the work.
    """

    def __init__(self, track: Track, question: Question, team: Team) -> None:
        self._track = track
        self._question = question
        self._team = team

    async def report(
        self, research_id: str, mode: ResearchMode, planning: Planning, works: Sequence[Work]
    ) -> Report:
        """The sections summed up, their citations verified, and all of it put together.

        Raises:
            NoEvidence: no section says anything; or the first loss, when there was one.
        """
        ending = await self._sum_up(planning.plan, works)
        written = written_sections(planning.plan, works, ending.losses)
        closing = await self._verify(planning.plan, written, ending.synthesis)
        found = [work.found for work in works if work.found]
        material = Material(
            plan=planning.plan,
            author=self._team.author.author,
            written=written,
            synthesis=closing.synthesis,
            checked=closing.checked,
            losses=ending.losses,
            queries=planning.queries + sum(len(one.queries) for one in found),
            considered=len({*planning.considered}.union(*(one.considered for one in found))),
            seconds=self._track.passed_s,
            timeline=self._track.timeline,
        )
        return assemble(research_id, mode, self._question, material)

    async def _sum_up(self, plan: Plan, works: Sequence[Work]) -> Ending:
        async def step() -> Ending:
            found = [work.found for work in works]
            losses = (*self._track.losses.in_order(), *unanswered(plan, found))
            written = written_sections(plan, works, losses)
            if not any(item.draft.claims for item in written):
                raise reason_for_nothing(self._question.topic, self._track.losses.first)
            ending = await self._end(plan, to_rest_on(to_sum_up(written, losses)), losses)
            for loss in ending.losses:
                await self._track.tell("lost", step=loss.step, title=loss.title, reason=loss.reason)
            return ending

        return await self._track.once("summary", "", step, Ending)

    async def _end(
        self, plan: Plan, written: Sequence[WrittenSection], losses: tuple[Loss, ...]
    ) -> Ending:
        """The summary; the best claims in its place when it is lost."""
        try:
            synthesis = await self._team.author.synthesise(
                self._question.topic, self._question.configuration, written
            )
        except LOSING as error:
            claims = best_claims(self._question.topic, plan.language, written)
            lost = loss_of("summary", "", error)
            return Ending(synthesis=Synthesis(summary=claims), losses=(*losses, lost))
        return Ending(synthesis=synthesis, losses=losses)

    async def _verify(
        self, plan: Plan, written: Sequence[WrittenSection], synthesis: Synthesis
    ) -> Closing:
        async def step() -> Closing:
            sources, language = self._team.sources, plan.language
            unsupported = self._question.configuration.unsupported
            held = await hold_summary(
                synthesis, written, sources, language=language, unsupported=unsupported
            )
            checked = await check_citations(cited_claims(written, held), sources, language=language)
            await self._track.tell("verdict", **checked.counts(), cost=self._team.spent().cost)
            await self._track.reached(1.0)
            return Closing(synthesis=held, checked=checked)

        return await self._track.once("verify", "", step, Closing)


def written_sections(
    plan: Plan, works: Sequence[Work], losses: Iterable[Loss]
) -> tuple[WrittenSection, ...]:
    """The sections, those that are lost without a claim, and nothing said twice."""
    evidence = [work.found.evidence if work.found else () for work in works]
    kept = without_repeats(without_lost([work.draft for work in works], losses), evidence)
    return tuple(
        WrittenSection(section=section, evidence=given, draft=draft)
        for section, given, draft in zip(plan.sections, evidence, kept, strict=True)
    )

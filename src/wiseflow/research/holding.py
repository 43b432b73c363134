"""Making the citations of a run hold: looked at, doubted, mended, before anything rests on them.

``hold`` is called for each section as soon as its draft is there, side by side with the others,
and asks its author at most once; ``hold_summary`` asks nobody. A second judge who does not answer
costs nothing but its opinion: the verdicts of words stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from wiseflow.core.authoring import Assignment, Doubts, Draft, Opinion, Synthesis, WrittenSection
from wiseflow.core.configuration import Unsupported
from wiseflow.core.ports import SourceReader
from wiseflow.core.report import Verdict
from wiseflow.research.checking import look_at, reasons_for
from wiseflow.research.losing import LOSING
from wiseflow.research.mending import (
    Reasons,
    doubt_of,
    fails,
    is_quoted,
    mend,
    mend_summary,
    verdicts_of,
)
from wiseflow.research.running import Run, Team


async def hold(
    run: Run,
    team: Team,
    assignment: Assignment,
    draft: Draft,
    *,
    step_key: str,
    unsupported: Unsupported,
) -> Draft:
    """The draft of a section with its claims mended; opinions on them stand in their citations.

    Where words support all, nothing is asked, journalled or changed.

    Args:
        run: whose step it is.
        team: its author has opinions; its sources are what is cited.
        assignment: that the draft was written for.
        draft: as it was written.
        step_key: of the journal.
        unsupported: what becomes of what cannot be mended.
    """
    # A sentence of the source needs no look at the source before the last check of all.
    if all(map(is_quoted, draft.claims)):
        return draft
    language = assignment.language
    looked = await look_at(draft.claims, team.sources, language=language)
    pairs = list(zip(draft.claims, looked.reasons, strict=True))
    if all(set(verdicts_of(claim, reasons)) == {Verdict.SUPPORTED} for claim, reasons in pairs):
        return draft

    async def step() -> Draft:
        opinions, missed = await _opinions(team, assignment, draft, looked.reasons, step_key)
        look = partial(reasons_for, stored=looked.stored, language=language)
        mended = mend(draft.claims, looked.reasons, opinions, look, unsupported)
        counts = {"repaired": mended.repaired, "withdrawn": mended.withdrawn}
        doubted = sum(opinion is not None for opinion in opinions)
        said = {"section": assignment.place, "doubted": doubted, **counts, "reason": missed}
        await run.emit("held", said)
        return replace(draft, claims=mended.claims, **counts)

    run.check()
    return await run.journal.once(step_key, step, Draft)


async def hold_summary(
    synthesis: Synthesis,
    written: Sequence[WrittenSection],
    sources: SourceReader,
    *,
    language: str,
    unsupported: Unsupported,
) -> Synthesis:
    """The summary, mended by the claims of the sections that it rests on.

    Args:
        synthesis: as it was written.
        written: the sections, held.
        sources: the stored documents.
        language: ISO 639-1 code of the report, or "".
        unsupported: what becomes of what cannot be mended.
    """
    held = [claim for part in written for claim in part.draft.claims]
    looked = await look_at([*synthesis.summary, *held], sources, language=language)
    reasons = looked.reasons[len(synthesis.summary) :]
    mended = mend_summary(
        synthesis.summary,
        list(zip(held, reasons, strict=True)),
        partial(reasons_for, stored=looked.stored, language=language),
        unsupported,
        language=language,
    )
    return replace(
        synthesis, summary=mended.claims, repaired=mended.repaired, withdrawn=mended.withdrawn
    )


def to_rest_on(written: Sequence[WrittenSection]) -> tuple[WrittenSection, ...]:
    """The sections without claims that fail, for a summary to be written from.

    A section all of whose claims fail is left as it is: the summary shall not call it empty.
    """
    return tuple(_without_failing(part) for part in written)


def _without_failing(part: WrittenSection) -> WrittenSection:
    sound = tuple(claim for claim in part.draft.claims if not fails(claim))
    return replace(part, draft=replace(part.draft, claims=sound)) if sound else part


async def _opinions(
    team: Team, assignment: Assignment, draft: Draft, reasons: Sequence[Reasons], step_key: str
) -> tuple[list[Opinion | None], str]:
    """An opinion on each claim that is in doubt, and why there are none; "" when there are."""
    passages = {item.hit.passage.passage_id: item.hit for item in assignment.evidence}
    found = zip(draft.claims, reasons, strict=True)
    doubts = [doubt_of(claim, reason, passages) for claim, reason in found]
    asked = tuple(doubt for doubt in doubts if doubt is not None)
    if not asked:
        return [None for _ in doubts], ""
    asking = Doubts(
        topic=assignment.topic,
        title=assignment.section.title,
        language=assignment.language,
        step=step_key,
        doubts=asked,
    )
    missed = ""
    said: Sequence[Opinion] = [Opinion()] * len(asked)
    try:
        said = await team.author.reconsider(asking)
    except LOSING as error:
        missed = error.message
    opinions = iter(said)
    return [None if doubt is None else next(opinions) for doubt in doubts], missed

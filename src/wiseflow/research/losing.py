"""What a run loses on its way, and how it goes on without. Pure.

A section whose search or writing failed for good is left out and named; the others are kept. Only
a run that lost all it would have said fails, with the reason of its first loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wiseflow.core.authoring import Draft, Gathered, Plan, Sought, WrittenSection
from wiseflow.core.errors import BudgetSpent, CallError, NoEvidence, WiseflowError
from wiseflow.core.jobs import StopReason
from wiseflow.core.report import Claim, Loss
from wiseflow.text import words

# What a run goes on after: everything that could be tried was tried by who made the call.
LOSING = (CallError, BudgetSpent)
SUMMARY_CLAIMS = 3
SEARCH = "search"
# Without these a section is lost; without its other steps it is only poorer.
WHOLE = frozenset({"evidence", "draft"})
# What a loss means, by its step.
_OPEN = "A further question, “{}”, could not be searched for"
_UNREAD = "What was found on “{}” could not be read for further questions"
_SENTENCES = {
    "summary": "The summary could not be written, so claims stand in its place",
    "critique/*": "Nobody could criticise the sections, so they stand as they were written",
    "sections/*/search": "A search for the section “{}” was not answered",
    "sections/*/evidence": "The section “{}” could not be searched for",
    "sections/*/draft": "The section “{}” could not be written",
    "sections/*/reading": _UNREAD,
    "sections/*/more/evidence": "What was open in the section “{}” could not be searched for",
    "nodes/*/evidence": _OPEN,
    "nodes/*/reading": _UNREAD,
    "rounds/*/*/evidence": "What was wanting in the section “{}” could not be searched for",
    "rounds/*/*/draft": "The section “{}” could not be written again, so its first draft stands",
}


@dataclass(slots=True)
class Losses:
    """The losses of one attempt, by step; the error of the first is kept to be raised."""

    by_step: dict[str, Loss] = field(default_factory=dict[str, Loss])
    first: WiseflowError | None = None

    def note(self, step: str, title: str, error: WiseflowError) -> None:
        """Note that a step is lost.

        Args:
            step: its key in the journal.
            title: of the section, or the question that it was about.
            error: why.
        """
        self.first = self.first or error
        self.by_step[step] = loss_of(step, title, error)

    def in_order(self) -> tuple[Loss, ...]:
        """The losses, in the order of their steps."""
        return tuple(self.by_step[step] for step in sorted(self.by_step, key=_order))


def loss_of(step: str, title: str, error: WiseflowError) -> Loss:
    """The loss of a step."""
    return Loss(step=step, title=title, reason=error.message, budget=isinstance(error, BudgetSpent))


def unanswered(plan: Plan, gathered: Sequence[Gathered | None]) -> tuple[Loss, ...]:
    """The searches that nobody answered, of sections whose other searches were answered.

    A page that could not be read is no loss: the next best took its place.
    """
    return tuple(
        Loss(
            step=f"sections/{place}/{SEARCH}",
            title=plan.sections[place].title,
            reason=f"“{missed.name}”: {missed.reason}",
        )
        for place, found in enumerate(gathered)
        for missed in (found.missed if found else ())
        if missed.sought is Sought.SEARCH
    )


def stop_reason(losses: Iterable[Loss]) -> StopReason | None:
    """Why a run with these losses stopped short; ``None`` when it did all that it could."""
    return StopReason.BUDGET if any(loss.budget for loss in losses) else None


def told(losses: Iterable[Loss]) -> tuple[str, ...]:
    """The losses as sentences of what was not found."""
    return tuple(_sentence(loss) for loss in losses)


def without_lost(drafts: Sequence[Draft | None], losses: Iterable[Loss]) -> list[Draft]:
    """The drafts, empty for each section that is lost.

    A resumed run may have got again what the run before it lost; the report stays that of the
    first, as its summary was made without.
    """
    lost = _places(losses)
    return [
        draft if draft is not None and place not in lost else Draft(claims=())
        for place, draft in enumerate(drafts)
    ]


def to_sum_up(
    written: Sequence[WrittenSection], losses: Iterable[Loss]
) -> tuple[WrittenSection, ...]:
    """The sections that are not lost."""
    lost = _places(losses)
    return tuple(part for place, part in enumerate(written) if place not in lost)


def reason_for_nothing(topic: str, first: WiseflowError | None) -> WiseflowError:
    """Why there is nothing to report: the first loss, or that nothing was found."""
    return first or NoEvidence(
        f"the documents hold no sentence that answers {topic!r}",
        cure="Add documents on the topic, or ask in the words that they use",
    )


def best_claims(topic: str, language: str, written: Sequence[WrittenSection]) -> tuple[Claim, ...]:
    """A summary that needs no author: the claims that have most of the topic's words.

    Args:
        topic: of the report.
        language: ISO 639-1 code of the report, or "".
        written: its sections.
    """
    wanted = set(words.content_stems(topic, language))
    claims = [claim for part in written for claim in part.draft.claims]
    shares = [len(wanted.intersection(words.stems(claim.text, language))) for claim in claims]
    best = sorted(range(len(claims)), key=lambda place: -shares[place])[:SUMMARY_CLAIMS]
    return tuple(claims[place] for place in sorted(best))


def _places(losses: Iterable[Loss]) -> frozenset[int]:
    """Which sections are lost, by their places in the plan."""
    steps = (loss.step.split("/") for loss in losses)
    return frozenset(int(step[1]) for step in steps if step[0] == "sections" and step[2] in WHOLE)


def _order(step: str) -> tuple[tuple[int, str], ...]:
    """Numbers in a key by their worth: section 10 comes after section 9."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in step.split("/"))


def _sentence(loss: Loss) -> str:
    step = "/".join("*" if part.isdigit() else part for part in loss.step.split("/"))
    sentence = _SENTENCES.get(step, f"The step {loss.step} is lost")
    return f"{sentence.format(loss.title)}: {loss.reason}."

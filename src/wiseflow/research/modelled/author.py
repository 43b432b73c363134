"""The author that asks models to plan and to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from wiseflow.core.authoring import Assignment, Draft, Gathered, Plan, Synthesis, WrittenSection
from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import Configuration
from wiseflow.core.errors import NoEvidence
from wiseflow.core.gateways import ModelCalls
from wiseflow.core.report import AuthorKind, ReportAuthor
from wiseflow.research.modelled.answers import PLAN, SECTION, SUMMARY, Outline, Statements
from wiseflow.research.modelled.citing import Quotable
from wiseflow.research.modelled.claiming import (
    claim_of,
    distinct,
    in_turns,
    not_found,
    numbered,
    summed,
)
from wiseflow.research.modelled.fitting import fit, shrinking, space, tokens_of
from wiseflow.research.modelled.lengths import (
    MOST_NOT_FOUND,
    SECTION_CLAIMS,
    SUMMARY_CLAIMS,
    plan_tokens,
    section_tokens,
    summary_tokens,
)
from wiseflow.research.modelled.outlining import MOST_SECTIONS, extracts, plan_of
from wiseflow.research.modelled.prompting import Piece, language_line, one_line, piece, prompt
from wiseflow.research.modelled.structured import Ask, Asker, Form, Tally, form, within

T = TypeVar("T")

LONGEST_TOPIC = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which model does what, each as ``provider:model``.

    Args:
        planner: plans the sections and their queries.
        writer: writes sections and the summary.
        researcher: reads and asks on, in the modes that do so.
    """

    planner: str
    writer: str
    researcher: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question(Generic[T]):
    """A purpose before it is fitted to a model's room.

    Args:
        step, model, closing: as in ``Ask``.
        template: of the prompt; that of the simpler one has ``_simpler`` after it.
        values: what the templates show beside the pieces.
        pieces: what the model is given, the best first.
        form: of the answer, by the ids of the pieces that there was room for.
        answer_tokens: how long the answer may have to be.
    """

    step: str
    model: str
    template: str
    values: Mapping[str, object]
    pieces: tuple[Piece, ...]
    form: Callable[[Sequence[str]], Form[T]]
    answer_tokens: int
    closing: bool = False


class ModelAuthor:
    """Plans and writes by asking models; cites only what it was given.

    A linear research waits for three of its calls: the plan, the sections side by side, the
    summary. Each further attempt is counted in ``tally``.

    Args:
        models: who is asked, through the gateway.
        context: of the run.
        roles: which model does what.
    """

    def __init__(self, models: ModelCalls, context: RunContext, roles: Roles) -> None:
        self._models = models
        self._roles = roles
        self.tally = Tally()
        self._asker = Asker(models, context, self.tally)

    @property
    def author(self) -> ReportAuthor:
        """Who the report will name as its author."""
        models = dict.fromkeys((self._roles.planner, self._roles.writer))
        return ReportAuthor(kind=AuthorKind.MODEL, models=tuple(models))

    async def plan(self, topic: str, configuration: Configuration, overview: Gathered) -> Plan:
        """The sections of a report on ``topic``, from what an overview shows.

        Raises:
            NoEvidence: the overview holds nothing on the topic.
            CallError: no model gave a plan.
            BudgetSpent: the run may spend no more.
        """
        if not overview.evidence:
            raise NoEvidence(
                f"nothing was found on {one_line(topic)!r}",
                cure="Add documents on the topic, or ask in the words that they use",
            )
        outline = await self._ask(self._planning(topic, configuration, overview))
        return plan_of(topic, configuration, outline)

    async def write(self, assignment: Assignment) -> Draft:
        """The claims of one section; none, and no call, where there is no evidence.

        Raises:
            CallError: no model gave sentences that cite what was given.
            BudgetSpent: the run may spend no more.
        """
        if not assignment.evidence:
            return Draft(claims=())
        known = numbered("p", [Quotable(item.hit) for item in assignment.evidence])
        answer = await self._ask(self._writing(assignment, known))
        most = SECTION_CLAIMS[assignment.length]
        claims = distinct(claim_of(said, known) for said in answer.claims if said.ids)
        return Draft(claims=claims[:most], dropped=self._dropped(answer))

    async def synthesise(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Synthesis:
        """The summary of a report from its claims, and what was not found.

        It may use what is kept of the budget for writing up.

        Raises:
            CallError: no model gave sentences that rest on the claims.
            BudgetSpent: even that is spent.
        """
        known = numbered("c", [claim for part in written for claim in part.draft.claims])
        answer = await self._ask(self._summing(topic, configuration, written))
        summary = distinct(summed(said, known) for said in answer.claims if said.ids)
        return Synthesis(
            summary=summary[: SUMMARY_CLAIMS[configuration.length]],
            not_found=(*answer.not_found[:MOST_NOT_FOUND], *not_found(configuration, written)),
            dropped=self._dropped(answer),
        )

    def _planning(
        self, topic: str, configuration: Configuration, overview: Gathered
    ) -> _Question[Outline]:
        most = len(configuration.report_structure) or MOST_SECTIONS[configuration.length]
        queries = configuration.number_of_queries
        return _Question(
            step="plan",
            model=self._roles.planner,
            template="plan",
            values={
                "topic": topic[:LONGEST_TOPIC],
                "structure": configuration.report_structure,
                "entities": ", ".join(configuration.focus_entities),
                "language": language_line(configuration.language or "", otherwise="topic"),
                "most_sections": most,
                "most_queries": queries,
            },
            pieces=extracts(overview),
            form=lambda _: _PLAN,
            answer_tokens=plan_tokens(most, queries),
        )

    def _writing(
        self, assignment: Assignment, known: Mapping[str, Quotable]
    ) -> _Question[Statements]:
        most = SECTION_CLAIMS[assignment.length]
        return _Question(
            step=f"sections/{assignment.place}/draft",
            model=self._roles.writer,
            template="write",
            values={
                "topic": assignment.topic[:LONGEST_TOPIC],
                "title": assignment.section.title,
                "most": most,
                "language": language_line(assignment.language, otherwise="topic"),
            },
            pieces=tuple(piece(key, one.hit.passage.title, one.text) for key, one in known.items()),
            form=lambda ids: within(_SECTION, "passages", ids),
            answer_tokens=section_tokens(assignment.length),
        )

    def _summing(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> _Question[Statements]:
        most = SUMMARY_CLAIMS[configuration.length]
        return _Question(
            step="summary",
            model=self._roles.writer,
            template="summary",
            values={
                "topic": topic[:LONGEST_TOPIC],
                "most": most,
                "language": language_line(configuration.language or "", otherwise="claims"),
            },
            pieces=in_turns(written),
            form=lambda ids: within(_SUMMARY, "claims", ids),
            answer_tokens=summary_tokens(configuration.length),
            closing=True,
        )

    async def _ask(self, question: _Question[T]) -> T:
        async def attempt(share: float, suffix: str) -> T:
            return await self._asker.ask(self._fitted(question, share, suffix))

        return await shrinking(attempt, self._shortened)

    def _fitted(self, question: _Question[T], share: float, suffix: str) -> Ask[T]:
        """What to ask so that it fits, with the pieces in the order of their numbers."""
        model = question.model
        count = partial(self._models.count, model)
        room = space(self._models, model, answer_tokens=question.answer_tokens, share=share)
        bare = prompt(question.template, **question.values, pieces=())
        # Some servers show the schema to the model; it names the ids of all pieces at the most.
        schema = question.form([one.id for one in question.pieces]).schema
        around = tokens_of(bare, count) + count(str(schema))
        kept = fit(question.pieces, room.input_tokens - around, count)
        pieces = sorted(kept, key=lambda one: int(one.id[1:]))
        values = {**question.values, "pieces": pieces}
        return Ask(
            model=model,
            step=question.step + suffix,
            prompt=prompt(question.template, **values),
            simpler=prompt(f"{question.template}_simpler", **values),
            form=question.form([one.id for one in pieces]),
            max_tokens=room.max_tokens,
            context_tokens=room.context_tokens,
            closing=question.closing,
        )

    def _shortened(self) -> None:
        self.tally.shortened += 1

    def _dropped(self, answer: Statements) -> int:
        """How many sentences are left out, as they cite nothing that was given."""
        dropped = sum(not said.ids for said in answer.claims)
        self.tally.dropped += dropped
        return dropped


_PLAN = form(*PLAN, items="sections")
_SECTION = form(*SECTION, items="claims")
_SUMMARY = form(*SUMMARY, items="claims")

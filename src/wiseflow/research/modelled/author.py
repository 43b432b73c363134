"""The author that asks models to plan, to read, to write and to criticise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from wiseflow.core.authoring import (
    Assignment,
    Critique,
    Doubts,
    Draft,
    Evidence,
    Findings,
    Gathered,
    Inquiry,
    Opinion,
    Plan,
    Synthesis,
    WrittenSection,
)
from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import Configuration
from wiseflow.core.errors import NoEvidence
from wiseflow.core.gateways import ModelCalls
from wiseflow.core.report import AuthorKind, ReportAuthor
from wiseflow.research.modelled.answers import Statements
from wiseflow.research.modelled.citing import Quotable
from wiseflow.research.modelled.claiming import claim_of, not_found, numbered, summed
from wiseflow.research.modelled.expecting import Role
from wiseflow.research.modelled.fitting import fit, shrinking, space, tokens_of
from wiseflow.research.modelled.folding import folded
from wiseflow.research.modelled.inquiring import on_sections, with_passage_ids
from wiseflow.research.modelled.judging import opinions_of, passages_of
from wiseflow.research.modelled.lengths import MOST_NOT_FOUND, SECTION_CLAIMS, SUMMARY_CLAIMS
from wiseflow.research.modelled.outlining import plan_of
from wiseflow.research.modelled.prompting import one_line, prompt
from wiseflow.research.modelled.purposes import (
    Purpose,
    criticising,
    judging,
    planning,
    reading,
    summing,
    writing,
)
from wiseflow.research.modelled.structured import Ask, Asker, Tally

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which model does what, each as ``provider:model``.

    Args:
        planner: plans the sections and their queries, and criticises what became of them.
        writer: writes sections and the summary.
        researcher: reads and asks on, and judges claims in doubt; the writer does, where it is "".
    """

    planner: str
    writer: str
    researcher: str = ""

    def of(self, role: Role) -> str:
        """The model that has a role."""
        if role is Role.PLANNER:
            return self.planner
        return self.researcher or self.writer if role is Role.RESEARCHER else self.writer


class ModelAuthor:
    """Plans, reads, writes and criticises by asking models; cites only what it was given.

    A linear research waits for three of its calls: the plan, the sections side by side, the
    summary; and for a fourth, side by side, where a section has claims in doubt. Each level of a
    graph but the last makes one more, each round of a critic two. Each further attempt is counted
    in ``tally``.

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
        named = dict.fromkeys(map(self._roles.of, Role))
        return ReportAuthor(kind=AuthorKind.MODEL, models=tuple(named))

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
        outline = await self._ask(Role.PLANNER, planning(topic, configuration, overview))
        found = next((item.hit.language for item in overview.evidence), "")
        return plan_of(topic, configuration, outline, otherwise=found)

    async def read(self, inquiry: Inquiry) -> Findings:
        """What passages show, and what is to be asked next; no call where there are none.

        Raises:
            CallError: no model gave an answer that can be used.
            BudgetSpent: the run may spend no more.
        """
        if not inquiry.evidence:
            return Findings(answered=False)
        findings = await self._ask(Role.RESEARCHER, reading(inquiry, _known(inquiry.evidence)))
        ids = (item.hit.passage.passage_id for item in inquiry.evidence)
        return with_passage_ids(findings, numbered("p", ids))

    async def write(self, assignment: Assignment) -> Draft:
        """The claims of one section; none, and no call, where there is no evidence.

        Raises:
            CallError: no model gave sentences that cite what was given.
            BudgetSpent: the run may spend no more.
        """
        if not assignment.evidence:
            return Draft(claims=())
        known = _known(assignment.evidence)
        answer = await self._ask(Role.WRITER, writing(assignment, known))
        most = SECTION_CLAIMS[assignment.length]
        said = (claim_of(said, known) for said in answer.claims if said.ids)
        claims = folded(said, assignment.language)
        return Draft(claims=claims[:most], dropped=self._dropped(answer))

    async def critique(
        self, topic: str, configuration: Configuration, written: Sequence[WrittenSection]
    ) -> Critique:
        """Which sections are to be mended, from the claims of all.

        Raises:
            CallError: no model gave an answer that can be used.
            BudgetSpent: the run may spend no more.
        """
        asked = criticising(topic, configuration, written)
        critique = await self._ask(Role.PLANNER, asked)
        return on_sections(critique, len(written), configuration.number_of_queries)

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
        answer = await self._ask(Role.WRITER, summing(topic, configuration, written))
        said = (summed(said, known) for said in answer.claims if said.ids)
        summary = folded(said, configuration.language or "")
        return Synthesis(
            summary=summary[: SUMMARY_CLAIMS[configuration.length]],
            not_found=(*answer.not_found[:MOST_NOT_FOUND], *not_found(configuration, written)),
            dropped=self._dropped(answer),
        )

    async def reconsider(self, doubts: Doubts) -> tuple[Opinion, ...]:
        """A second opinion on claims in doubt, and what their passages do support.

        All are judged in one call, which may use what is kept of the budget for writing up.

        Raises:
            CallError: no model gave an opinion.
            BudgetSpent: even what is kept is spent.
        """
        known = passages_of(doubts)
        said = await self._ask(Role.RESEARCHER, judging(doubts, known))
        return opinions_of(doubts, said, known)

    async def _ask(self, role: Role, purpose: Purpose[T]) -> T:
        async def attempt(share: float, suffix: str) -> T:
            return await self._asker.ask(self._fitted(role, purpose, share, suffix))

        return await shrinking(attempt, self._shortened)

    def _fitted(self, role: Role, purpose: Purpose[T], share: float, suffix: str) -> Ask[T]:
        """What to ask so that it fits, with the pieces in the order of their numbers."""
        model = self._roles.of(role)
        count = partial(self._models.count, model)
        room = space(self._models, model, answer_tokens=purpose.answer_tokens, share=share)
        bare = prompt(purpose.template, **purpose.values, pieces=())
        # Some servers show the schema to the model; it names the ids of all pieces at the most.
        schema = purpose.form([one.id for one in purpose.pieces]).schema
        around = tokens_of(bare, count) + count(str(schema))
        kept = fit(purpose.pieces, room.input_tokens - around, count)
        pieces = sorted(kept, key=lambda one: int(one.id[1:]))
        values = {**purpose.values, "pieces": pieces}
        return Ask(
            model=model,
            step=purpose.step + suffix,
            prompt=prompt(purpose.template, **values),
            simpler=prompt(f"{purpose.template}_simpler", **values),
            form=purpose.form([one.id for one in pieces]),
            max_tokens=room.max_tokens,
            context_tokens=room.context_tokens,
            closing=purpose.closing,
        )

    def _shortened(self) -> None:
        self.tally.shortened += 1

    def _dropped(self, answer: Statements) -> int:
        """How many sentences are left out, as they cite nothing that was given."""
        dropped = sum(not said.ids for said in answer.claims)
        self.tally.dropped += dropped
        return dropped


def _known(evidence: Sequence[Evidence]) -> Mapping[str, Quotable]:
    """The passages by the ids that the model is shown."""
    return numbered("p", [Quotable(item.hit) for item in evidence])

"""The handler of jobs of the kind ``question``: a question to a report, answered from its sources.

Few journalled steps: ``earlier``, ``evidence``, ``draft``, ``verify``. The answer is a report of
one section. What the sources do not hold is said, and nothing is written in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from wiseflow.core.authoring import (
    Assignment,
    Author,
    Draft,
    EvidenceRequest,
    Gathered,
    Plan,
    PlannedSection,
    Retriever,
    Synthesis,
    WrittenSection,
)
from wiseflow.core.calls import RunContext
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration, ReportLength, ResearchMode
from wiseflow.core.errors import BudgetSpent
from wiseflow.core.jobs import JobStatus, Outcome, StopReason
from wiseflow.core.ports import ReportStore, SourceReader
from wiseflow.core.report import Report, Verdict
from wiseflow.research.after.questions import ReportQuestion, read_question
from wiseflow.research.asking import Question
from wiseflow.research.assembling import Material, assemble
from wiseflow.research.checking import Checked, check_citations
from wiseflow.research.earlier import EARLIER_STEP, Findings, Known
from wiseflow.research.handler import ResearchRun, commissioned, lease_of, totals_of, with_totals
from wiseflow.research.rendering.json import report_to_text
from wiseflow.research.running import Commission

MODE = "question"
EVIDENCE_PASSAGES = 10
# How the one section is called; the report is called as the question.
ANSWER = PlannedSection(title="Answer", queries=())


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTeam:
    """Who answers questions.

    Args:
        findings: takes the report's research up.
        author: gives the author for a question.
        retriever: gives the retriever over what the report's research read.
        sources: the stored texts that citations are checked against.
        reports: where answers go.
        context: gives what travels in a question's calls.
        clock: tells how long it took.
    """

    findings: Findings
    author: Callable[[Commission], Author]
    retriever: Callable[[Commission], Retriever]
    sources: SourceReader
    reports: ReportStore
    context: Callable[[ResearchRun, Configuration], Awaitable[RunContext]]
    clock: Clock


class AnswerHandler:
    """Answers questions.

    Args:
        team: who does the work.
    """

    def __init__(self, team: AnswerTeam) -> None:
        self._team = team

    async def __call__(self, run: ResearchRun) -> Outcome:
        """Answer the job's question and keep the answer, under the job's lease.

        Raises:
            InvalidInput: the payload cannot be used.
            NotFound: the research is deleted, or has no report.
            Cancelled: somebody asked for the job to stop.
            LeaseLost: another worker holds the job now; nothing was written.
            CallError: no model answered.
        """
        asked = read_question(run.job.payload)
        lease = lease_of(run.job)

        async def take_up() -> Known:
            return await self._team.findings.take_up(
                asked.research_id, lease, tenant=run.job.tenant
            )

        known = await run.journal.once(EARLIER_STEP, take_up, Known)
        context = await self._team.context(run, asked.configuration)
        commission = commissioned(asked.configuration, context, lease, known)
        try:
            answer = await _Answering(run, asked, known, self._team, commission).answer()
        except BudgetSpent as error:
            return Outcome(
                status=JobStatus.FAILED,
                stop_reason=StopReason.BUDGET,
                error=str(error),
                cost=totals_of(commission.context).cost,
            )
        answer = with_totals(answer, commission.context)
        cited = [source.id for source in answer.sources]
        await self._team.reports.save(lease, report_to_text(answer), source_ids=cited)
        return Outcome(status=JobStatus.COMPLETED, cost=answer.facts.cost)


class _Answering:
    """The steps of one question."""

    def __init__(
        self,
        run: ResearchRun,
        asked: ReportQuestion,
        known: Known,
        team: AnswerTeam,
        commission: Commission,
    ) -> None:
        self._run = run
        self._asked = asked
        self._known = known
        self._team = team
        self._author = team.author(commission)
        self._retriever = team.retriever(commission)
        self._section = PlannedSection(title=asked.text, queries=(asked.text,))
        self._language = asked.configuration.language or known.language

    async def answer(self) -> Report:
        started = self._team.clock.monotonic()
        found = await self._run.journal.once("evidence", self._gather, Gathered)
        self._run.check()
        draft = await self._run.journal.once("draft", lambda: self._write(found), Draft)
        self._run.check()
        checked = await self._run.journal.once("verify", lambda: self._verify(draft), Checked)
        material = Material(
            plan=Plan(title=self._asked.text, language=self._language, sections=(self._section,)),
            author=self._author.author,
            written=(WrittenSection(section=ANSWER, evidence=found.evidence, draft=draft),),
            synthesis=Synthesis(summary=(), not_found=self._not_found(draft)),
            checked=checked,
            losses=(),
            queries=len(found.queries),
            considered=len(found.considered),
            seconds=self._team.clock.monotonic() - started,
        )
        question = Question(topic=self._asked.text, configuration=self._asked.configuration)
        report = assemble(self._run.job.job_id, ResearchMode.LINEAR, question, material)
        return replace(report, mode=MODE)

    async def _gather(self) -> Gathered:
        request = EvidenceRequest(
            topic=self._asked.text,
            queries=(self._asked.text,),
            limit=EVIDENCE_PASSAGES,
            language=self._language or None,
        )
        gathered = await self._retriever.gather(request)
        await self._run.emit(
            "evidence", {"passages": len(gathered.evidence), "sources": len(self._known.source_ids)}
        )
        return gathered

    async def _write(self, found: Gathered) -> Draft:
        """The answer's sentences, without those that are not supported; none when none answers."""
        assignment = Assignment(
            topic=self._asked.text,
            section=self._section,
            evidence=found.evidence,
            language=self._language,
            length=ReportLength.BRIEF,
        )
        if not found.evidence:
            return Draft(claims=())
        draft = await self._author.write(assignment)
        checked = await check_citations(draft.claims, self._team.sources, language=self._language)
        return _supported(draft, checked)

    async def _verify(self, draft: Draft) -> Checked:
        checked = await check_citations(draft.claims, self._team.sources, language=self._language)
        await self._run.emit("verdict", checked.counts())
        await self._run.progress(1.0)
        return checked

    def _not_found(self, draft: Draft) -> tuple[str, ...]:
        if draft.claims:
            return ()
        known = self._known
        said = (
            f"The {len(known.source_ids)} sources of the report “{known.title}” do not answer it."
        )
        return (said,)


def _supported(draft: Draft, checked: Checked) -> Draft:
    """The draft without claims of which a citation is unsupported."""
    verdicts = iter(checked.verdicts)
    kept = [
        claim
        for claim in draft.claims
        # A list, so that each citation takes its own verdict.
        if Verdict.UNSUPPORTED not in [next(verdicts) for _ in claim.citations]
    ]
    return Draft(claims=tuple(kept), dropped=draft.dropped + len(draft.claims) - len(kept))

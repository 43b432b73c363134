"""Who does the researches: authors, retrievers, and what their calls may spend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wiseflow.app.outside import Outside
from wiseflow.core.authoring import Author, Retriever
from wiseflow.core.calls import RunContext
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import EXTRACTIVE, Configuration
from wiseflow.core.errors import InvalidInput
from wiseflow.core.ports import Branches, Compute, ReportStore
from wiseflow.gateway.journalling import PREFIX, Spent
from wiseflow.gateway.ledger import Ledger
from wiseflow.library.collections import collection_folder, tenant_folder
from wiseflow.research.after.answering import AnswerHandler, AnswerTeam
from wiseflow.research.after.joined import JoinedRetriever
from wiseflow.research.after.stored import LEAST_SHARE, StoredRetriever
from wiseflow.research.combining import PeriodRetriever, TogetherRetriever
from wiseflow.research.earlier import Findings
from wiseflow.research.estimating import Durations
from wiseflow.research.extractive.authors import ExtractiveAuthor
from wiseflow.research.extractive.retrieving import IndexRetriever
from wiseflow.research.handler import ResearchHandler, ResearchRun, ResearchTeam
from wiseflow.research.modelled.author import ModelAuthor, Roles
from wiseflow.research.privacy import must_stay_here
from wiseflow.research.running import Commission
from wiseflow.research.time_range import ALWAYS
from wiseflow.research.web.retrieving import WebRetriever
from wiseflow.research.web.searching import Searching
from wiseflow.research.web.shelf import PageShelf
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.pages import SqlPageStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Researches:
    """Makes what a research works with.

    Args:
        settings: what holds.
        outside: models, search providers and pages.
        documents, pages, reports: the stores.
        collections: gives the store of a tenant's collections.
        searching: worker processes for searching and writing.
        reading: worker processes with bounds, for what comes from the web.
        branches: runs what can go on side by side.
        durations: learns how long researches take.
        clock: the time.
    """

    settings: Settings
    outside: Outside
    documents: SqlDocumentStore
    collections: Callable[[str], SqlDocumentStore]
    pages: SqlPageStore
    reports: ReportStore
    searching: Compute
    reading: Compute
    branches: Branches
    durations: Durations
    clock: Clock

    def handler(self) -> ResearchHandler:
        """What runs the jobs of the kind ``research``."""
        return ResearchHandler(
            ResearchTeam(
                author=self.author,
                retriever=self.retriever,
                sources=self.documents,
                reports=self.reports,
                branches=self.branches,
                clock=self.clock,
                context=self.context,
                findings=self.findings(),
                durations=self.durations,
            )
        )

    def answers(self) -> AnswerHandler:
        """What runs the jobs of the kind ``question``."""
        return AnswerHandler(
            AnswerTeam(
                findings=self.findings(),
                author=self.answerer,
                retriever=self.known_sources,
                sources=self.documents,
                reports=self.reports,
                context=self.context,
                clock=self.clock,
            )
        )

    def findings(self) -> Findings:
        """What takes earlier researches up."""
        return Findings(reports=self.reports, pages=self.pages, collections=self.collections)

    def author(self, commission: Commission) -> Author:
        """Who plans and writes: a model, where the configuration names one."""
        configuration = commission.configuration
        roles = roles_of(configuration)
        if roles is None:
            return ExtractiveAuthor(self.searching, self._index(commission))
        return ModelAuthor(self.outside.models, commission.context, roles)

    def answerer(self, commission: Commission) -> Author:
        """Who answers questions; without a model, by the passages alone: no index tells more."""
        if roles_of(commission.configuration) is None:
            return ExtractiveAuthor(self.searching, None)
        return self.author(commission)

    def known_sources(self, commission: Commission) -> Retriever:
        """Who finds passages in what an earlier research read, and nowhere else."""
        if commission.earlier is None:
            raise InvalidInput("no earlier research is named", cure="Name one by its id")
        models = roles_of(commission.configuration) is not None
        return StoredRetriever(
            pages=self.pages,
            compute=self.reading,
            known=commission.earlier,
            least_share=0.0 if models else LEAST_SHARE,
        )

    def retriever(self, commission: Commission) -> Retriever:
        """Who finds passages: in documents, on the web or both, and in what is known before."""
        search = self._search(commission)
        known = commission.earlier
        if known is None:
            return search
        return JoinedRetriever(
            earlier=StoredRetriever(pages=self.pages, compute=self.reading, known=known),
            search=search,
            known=known,
            tells=roles_of(commission.configuration) is not None,
        )

    def _search(self, commission: Commission) -> Retriever:
        found: list[tuple[str, Retriever]] = []
        folder = self._index(commission)
        if folder is not None:
            documents: Retriever = IndexRetriever(self.searching, folder)
            if commission.period != ALWAYS:
                documents = PeriodRetriever(documents, commission.period)
            found.append(("your own documents", documents))
        if commission.configuration.on_web:
            found.append(("the web", self._web(commission)))
        return found[0][1] if len(found) == 1 else TogetherRetriever(found)

    def _web(self, commission: Commission) -> Retriever:
        provider, *further = commission.configuration.providers
        searching = Searching(
            searches=self.outside.searches,
            context=commission.context,
            provider=provider,
            further=further,
            period=commission.period,
        )
        shelf = PageShelf(
            pages=self.outside.pages,
            store=self.pages,
            compute=self.reading,
            context=commission.context,
            lease=commission.lease,
        )
        return WebRetriever(searching=searching, shelf=shelf, compute=self.reading)

    async def context(self, run: ResearchRun, configuration: Configuration) -> RunContext:
        """What travels in each call of a run; what earlier attempts spent is counted."""
        ledger = Ledger(configuration.budget, self.clock)
        for spent in run.journal.kept(PREFIX, Spent):
            ledger.count(spent.usage)
        private = await must_stay_here(configuration, self.collections(run.job.tenant))
        return RunContext(
            run_id=run.job.job_id,
            journal=run.journal,
            spending=ledger,
            deadline=run.deadline,
            priority=run.job.priority,
            local_only=self.settings.local_only or private,
            tell=run.emit,
            tenant=run.job.tenant,
        )

    def _index(self, commission: Commission) -> Path | None:
        """The index to search; ``None`` when it is the web alone."""
        configuration = commission.configuration
        if not configuration.in_documents:
            return None
        folder = tenant_folder(self.settings.data_dir, commission.context.tenant)
        return collection_folder(folder, configuration.collection).index


def roles_of(configuration: Configuration) -> Roles | None:
    """Which model does what; ``None`` for the embedded author, who does all or nothing."""
    named = configuration.models
    if not named or EXTRACTIVE in {configuration.planner_model, configuration.writer_model}:
        return None
    writer = configuration.writer_model or configuration.planner_model or named[0]
    researcher = configuration.researcher_model
    return Roles(
        planner=configuration.planner_model or writer,
        writer=writer,
        # The embedded author reads without asking anybody; opinions are then the writer's.
        researcher=researcher if researcher and researcher != EXTRACTIVE else writer,
    )

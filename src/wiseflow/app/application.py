"""The program with its database, its engine and its gateway open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wiseflow.app.auditing import Auditor
from wiseflow.app.databases import wake_ups
from wiseflow.app.defaults import Defaults, Settled
from wiseflow.app.following import Following
from wiseflow.app.followups import FollowUps
from wiseflow.app.forecasting import Forecast, forecast
from wiseflow.app.key_ring import KeyRing
from wiseflow.app.libraries import Libraries
from wiseflow.app.limiting import test_cache
from wiseflow.app.outside import Outside
from wiseflow.app.plans import Plans
from wiseflow.app.researches import Researches
from wiseflow.app.sealing import SealedTexts, masters_of
from wiseflow.app.signing import signing_secret
from wiseflow.app.upkeep import Upkeep
from wiseflow.app.warming import Warming
from wiseflow.app.working import work
from wiseflow.core.authoring import Plan
from wiseflow.core.calls import CallKind, Totals
from wiseflow.core.clock import Clock
from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.documents import Hit
from wiseflow.core.groups import task_group
from wiseflow.core.instances import Instance, InstanceKind
from wiseflow.core.jobs import Event, Job, JobRequest
from wiseflow.core.keys import KeyStore
from wiseflow.core.library import Collection
from wiseflow.core.report import Report
from wiseflow.core.sealed import SecretStore
from wiseflow.engine.compute import TaskBranches, TaskCompute
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.tasks import TaskManager
from wiseflow.jobs import webhooks
from wiseflow.jobs.context import Handler
from wiseflow.jobs.listening import SILENT
from wiseflow.jobs.owners import instance_name
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.library.collections import collection_for_folder, tenant_folder
from wiseflow.library.ingesting import IngestProgress, IngestReport
from wiseflow.library.searching import search_collection
from wiseflow.observability.tracing import Tracing
from wiseflow.research.after import questions
from wiseflow.research.asking import Question, clean_topic, read_configuration, to_payload
from wiseflow.research.handler import KIND
from wiseflow.research.rendering.json import report_from_text
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.audit import SqlAuditLog
from wiseflow.storage.sql.claims import Bound
from wiseflow.storage.sql.database import ConnectionTest, Database
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.instances import SqlInstanceStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.keys import SqlKeyStore
from wiseflow.storage.sql.pages import SqlPageStore
from wiseflow.storage.sql.reports import SqlReportStore
from wiseflow.storage.sql.request_keys import SqlRequestKeys
from wiseflow.storage.sql.secrets import SqlSecretStore
from wiseflow.storage.sql.steps import SqlStepStore

if TYPE_CHECKING:  # Prometheus' library is slow to import, and short commands need none of it
    from wiseflow.app.metering.meter import Meter

# How often a worker looks for work by itself: for what no wake-up told of, such as a lease that ran
# out, which must not wait for long compared with a lease.
POLL_S = 1.0
LOOKS_A_LEASE = 8
# How long a service waits for a database that is away or full, before it ends with that error.
PATIENCE_S = 600.0
RESEARCH_POOL = "research"
READING_POOL = "pages"
NO_HANDLERS: Mapping[str, Handler] = {}


class Application:
    """The program with its settings and its database open; made by ``open_application``.

    Args:
        settings: what holds.
        database: open, of this version.
        tasks: the engine, with worker processes for searching and writing, and for reading pages.
        outside: models, search providers and pages.
        warming: gets ready early what is needed later.
        clock: the time.
        meter: counts what happens, in a service; ``None`` elsewhere.
        tracing: makes spans; ``None`` for none.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        tasks: TaskManager,
        outside: Outside,
        warming: Warming,
        clock: Clock,
        meter: Meter | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.settings = settings
        self._tracing = tracing
        self.meter = meter
        self.tasks = tasks
        self._database = database
        self._wake_ups = wake_ups(settings)
        most = settings.max_research_everywhere
        self.queue = SqlJobQueue(
            database, announcer=self._wake_ups, bound=Bound(kind=KIND, most=most) if most else None
        )
        self._instances = SqlInstanceStore(database)
        self.events = SqlEventStore(database)
        self.documents = SqlDocumentStore(database)
        self.keys: KeyStore = SqlKeyStore(database)
        self.key_ring = KeyRing(self.keys, clock)
        self.auditor = Auditor(
            SqlAuditLog(database), clock, keep_days=settings.audit_retention_days
        )
        self.secrets: SecretStore = SqlSecretStore(database)
        self.steps = SqlStepStore(database)
        self._reports = SqlReportStore(database)
        self._plans = Plans(self.queue, self.steps)
        self._libraries = Libraries(settings, tasks, self.documents_of)
        self._compute = TaskCompute(tasks, RESEARCH_POOL)
        self.clock = clock
        self.following = Following(self.events, clock)
        self.request_keys = SqlRequestKeys(database, days=settings.idempotency_key_days)
        self.outside = outside
        self._warming = warming
        self._defaults = Defaults(settings, outside, self.documents_of)
        self.follow_ups = FollowUps(
            queue=self.queue,
            reports=self._reports,
            settle=partial(self._defaults.settle, documents=False),
            max_attempts=settings.retry_limit,
        )
        self.upkeep = Upkeep(
            settings=settings,
            database=database,
            queue=self.queue,
            reports=self._reports,
            settle=partial(self._defaults.settle, documents=False),
            new_request=self.research_request,
            clock=clock,
            box=SealedTexts(masters_of(settings), name="a webhook's secret"),
        )
        self._researches = Researches(
            settings=settings,
            outside=outside,
            documents=self.documents,
            collections=self.documents_of,
            pages=SqlPageStore(database),
            reports=self._reports,
            searching=self._compute,
            reading=TaskCompute(tasks, READING_POOL),
            branches=TaskBranches(tasks),
            durations=tasks.predictor,
            clock=clock,
        )

    @property
    def max_concurrent_research(self) -> int:
        """How many researches run side by side in one process."""
        return self.settings.max_concurrent_research

    @property
    def predictor(self) -> Predictor:
        """What is known of how long tasks take."""
        return self.tasks.predictor

    def resize(self, max_concurrent_tasks: int) -> None:
        """Do so many things at once that use this machine, from now on.

        Raises:
            InvalidInput: it is below 1.
        """
        self.tasks.resize(
            max_concurrent_tasks=max_concurrent_tasks,
            max_processes=max_concurrent_tasks,
            pools={RESEARCH_POOL: max_concurrent_tasks, READING_POOL: max_concurrent_tasks},
        )

    async def defaults(self, *, documents: bool) -> dict[str, object]:
        """What holds where a research's configuration names no models and no search.

        Args:
            documents: whether documents or a collection of them were named to look in.

        Raises:
            ConfigurationError: a setting cannot be used.
        """
        return await self._defaults.found(documents=documents)

    async def settle(
        self, given: Mapping[str, object], *, documents: bool, tenant: str = ""
    ) -> Settled:
        """A research's configuration with its defaults, checked; raises as ``Defaults.settle``."""
        return await self._defaults.settle(given, documents=documents, tenant=tenant)

    def forecast(self, configuration: Configuration) -> Forecast:
        """What one research of this configuration will need outside this machine."""
        return forecast(configuration, self.outside.pricing)

    def spent(self) -> Totals:
        """What the calls to models and searches of this process came to while this was open."""
        asked = [
            totals
            for (kind, _, _), totals in self.outside.records.totals.items()
            if kind is not CallKind.FETCH
        ]
        costs = [totals.cost for totals in asked]
        return Totals(
            calls=sum(totals.answered for totals in asked),
            tokens=sum(totals.input_tokens + totals.output_tokens for totals in asked),
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
        )

    def signing_secret(self, purpose: str) -> bytes:
        """The secret that signs for a purpose; raises as ``signing.signing_secret``."""
        return signing_secret(self.settings, purpose)

    def warm(self, configuration: Configuration) -> None:
        """Get ready in the background what a research of this configuration will need."""
        self._warming.begin(configuration)

    async def test_connection(self) -> ConnectionTest:
        """Whether the database answers, and how fast."""
        return await self._database.test_connection()

    async def test_cache(self) -> ConnectionTest:
        """Whether what processes share beside the database answers; see ``limiting.test_cache``."""
        return await test_cache(self.settings)

    def research_request(
        self,
        topic: str,
        configuration: Mapping[str, object],
        *,
        follows: str = "",
        priority: TaskPriority = TaskPriority.NORMAL,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> JobRequest:
        """The job of one research, checked before it is submitted.

        Args:
            topic: what to research.
            configuration: settings of the research as JSON values; the others have their defaults.
            follows: the id of the research that it builds on; see ``FollowUps.finished``.
            priority: who goes first.
            tags: labels to filter by.
            metadata: the submitter's own data.

        Raises:
            InvalidInput: the topic or a setting cannot be used.
        """
        question = Question(
            topic=clean_topic(topic),
            configuration=read_configuration(configuration),
            follows=follows,
        )
        return JobRequest(
            kind=KIND,
            payload=to_payload(question),
            title=question.topic,
            priority=priority,
            tags=tuple(tags),
            metadata=metadata or {},
            max_attempts=self.settings.retry_limit,
        )

    def worker(
        self,
        *,
        concurrency: int,
        handlers: Mapping[str, Handler] = NO_HANDLERS,
        owner: str = "",
        service: bool = False,
    ) -> Worker:
        """A worker that runs researches and questions, so many, and jobs of the kinds given.

        Args:
            concurrency: how many run side by side.
            handlers: of further kinds.
            owner: the name of this instance; a new one for "".
            service: whether it runs everybody's jobs and is woken for them: one that runs those of
                a single command would take the word from who could run the others.
        """
        worker = Worker(
            queue=self.queue,
            steps=self.steps,
            events=self.events,
            handlers={
                KIND: self._researches.handler(),
                questions.KIND: self._researches.answers(),
                webhooks.KIND: self.upkeep.deliver,
                **handlers,
            },
            owner=owner or instance_name(),
            concurrency=concurrency,
            times=WorkerTimes(
                lease_s=self.settings.job_lease_s,
                heartbeat_s=self.settings.job_heartbeat_s,
                poll_s=min(POLL_S, self.settings.job_lease_s / LOOKS_A_LEASE),
                grace_s=self.settings.hand_over_s,
                task_timeout_s=self.settings.task_timeout,
                patience_s=PATIENCE_S if service else 0.0,
            ),
            clock=self.clock,
            wake_ups=self._wake_ups if service else None,
            listener=SILENT if self.meter is None else self.meter,
            tracing=self._tracing,
        )
        if self.meter is not None:
            self.meter.watch(worker)
        return worker

    async def work(
        self, places: int, *, stop: asyncio.Event, kind: InstanceKind = InstanceKind.WORKER
    ) -> None:
        """Be an instance of the service that runs so many jobs at once, until ``stop`` is set.

        What runs then is handed over: steps under way are finished, and the jobs given back.
        Schedules are kept, too.

        Raises:
            StorageError: jobs cannot be claimed.
        """
        async with task_group() as group:
            group.create_task(self.upkeep.run(stop=stop), name="upkeep")
            await work(
                lambda name: self.worker(concurrency=places, owner=name, service=True),
                self._instances,
                self.clock,
                kind=kind,
                every_s=self.settings.job_heartbeat_s,
                stop=stop,
            )

    async def instances(self) -> Sequence[Instance]:
        """The instances of the service, the dead ones of the last hour included."""
        return await self._instances.instances(alive_s=self.settings.job_lease_s)

    async def find_job(self, prefix: str) -> str:
        """The id of the one research whose id begins with ``prefix``.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several.
        """
        return await self.queue.find(prefix.strip().lower())

    async def job(self, prefix: str) -> Job:
        """The one research whose id begins with ``prefix``; raises as ``find_job``."""
        return await self.queue.get(await self.find_job(prefix))

    async def report(self, job_id: str) -> Report:
        """The report of a research. Raises ``NotFound``."""
        return report_from_text(await self._reports.get(job_id))

    async def plan_of(self, job_id: str) -> Plan:
        """The plan that a research works on, or is to work on; raises as ``Plans.plan_of``."""
        return await self._plans.plan_of(job_id)

    async def approve(self, job_id: str, plan: object = None) -> Job:
        """Let a research go on with its plan, or with another; raises as ``Plans.approve``."""
        return await self._plans.approve(job_id, plan)

    async def follow_events(self, job_id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """What happens to a research, from the event after number ``after`` until it has ended."""
        async with aclosing(self.following.follow(job_id, after=after)) as events:
            async for event in events:
                yield event

    def collection_for(self, paths: Sequence[Path]) -> str:
        """The name of the collection that holds just these files and folders."""
        return collection_for_folder(*paths)

    async def ingest(
        self,
        paths: Sequence[Path],
        *,
        collection: str,
        private: bool = False,
        progress: Callable[[IngestProgress], None] | None = None,
        tenant: str = "",
    ) -> IngestReport:
        """Read files and folders into a collection of a tenant and its index.

        Raises:
            InvalidInput: a path does not exist, or the collection's name cannot be used.
            Conflict: another process changes the collection.
            StorageError: the database or the disk refuses.
        """
        async with self._libraries.open(tenant) as library:
            if progress is None:
                return await library.ingest(paths, collection, private=private)
            return await library.ingest(paths, collection, private=private, progress=progress)

    async def delete_collection(self, name: str, *, tenant: str = "") -> None:
        """Erase a collection of a tenant and its index. Raises ``NotFound``."""
        async with self._libraries.open(tenant) as library:
            await library.delete(name)

    async def search(
        self, query: str, *, collection: str, k: int, tenant: str = ""
    ) -> Sequence[Hit]:
        """The best ``k`` passages of a collection of a tenant.

        Raises:
            NotFound: there is no such collection, or it is empty.
        """
        return await search_collection(
            self._compute,
            data_folder=tenant_folder(self.settings.data_dir, tenant),
            collection=collection,
            query=query,
            k=k,
        )

    async def collections(self, *, tenant: str = "") -> list[Collection]:
        """All collections of a tenant by name, with their counts."""
        return await self.documents_of(tenant).collections()

    def documents_of(self, tenant: str) -> SqlDocumentStore:
        """Where the documents of a tenant are kept."""
        return SqlDocumentStore(self._database, tenant)

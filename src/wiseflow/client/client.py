"""A service's operations as methods, each named as the operation is."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wiseflow.client.answers import (
    AskedQuestion,
    Estimate,
    Page,
    SourceText,
    UploadedFile,
    UploadReport,
    collections_of,
    event_of,
    hit_of,
    job_of,
    page_of,
    question_of,
    record,
    records,
    references_of,
    upload_of,
)
from wiseflow.client.asking import API, Asked, Asking, Patience
from wiseflow.client.paths import segment
from wiseflow.client.standing import NOTHING, Standing
from wiseflow.client.streams import messages
from wiseflow.core.configuration import Configuration
from wiseflow.core.documents import Hit
from wiseflow.core.errors import (
    CallTimeout,
    NetworkFailed,
    ProviderDown,
    RateLimited,
    StorageError,
    WiseflowError,
)
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Event, Job, JobStatus
from wiseflow.core.library import Collection
from wiseflow.core.report import SourceReference

Configured = Configuration | Mapping[str, object]
END = "end"
# A stream that went on for so long was none that fails.
LASTING_S = 10.0
LOOK_S = 0.5


class Client(Standing):
    """Asks a service; its errors are the program's own, as ``NotFound`` and ``Conflict``.

    ::

        async with Client("http://127.0.0.1:8000") as client:
            research = await client.submit_research("How do tides form?")
            await client.wait(research.job_id)
            report = await client.get_result(research.job_id)

    What the service refuses for now (429, 503), or does not answer, is asked again as it says,
    within ``patience``; what submits carries a key, so that it is done once.

    Args:
        url: of the service.
        api_key: shown to it, unless "".
        patience: how long is waited.
    """

    def __init__(self, url: str, *, api_key: str = "", patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._asking = Asking(url, api_key, self._patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._asking.aclose()

    async def submit_research(
        self,
        topic: str,
        configuration: Configured = NOTHING,
        *,
        key: str = "",
        follows: str = "",
        **more: object,
    ) -> Job:
        """Submit a research.

        Args:
            topic: what to research.
            configuration: how; what differs from the service's own choice.
            key: the same research under the same key is submitted once; a new one when "".
            follows: the id of a research to build on, or "".
            more: ``priority``, ``tags`` and ``metadata``.
        """
        body = _research(topic, configuration, more)
        if follows:
            body["follows"] = follows
        return job_of(await self._submit("/research", body, key))

    async def submit_parallel(
        self,
        topics: Sequence[str] = (),
        configuration: Configured = NOTHING,
        *,
        researches: Sequence[Mapping[str, object]] = (),
        key: str = "",
        **more: object,
    ) -> list[Job]:
        """Submit many researches, all or none.

        Args:
            topics: those that share ``configuration`` and ``more``.
            configuration: of these topics.
            researches: bodies of researches of their own, after the topics.
            key: as for ``submit_research``.
            more: ``priority``, ``tags`` and ``metadata``.
        """
        body = {
            "topics": list(topics),
            "researches": list(researches),
            "configuration": _configuration(configuration),
            **_plain(more),
        }
        told = await self._submit("/research/parallel", body, key)
        return [job_of(one) for one in told["researches"]]

    async def follow_up_research(
        self,
        research_id: str,
        topic: str,
        configuration: Configured = NOTHING,
        *,
        key: str = "",
        **more: object,
    ) -> Job:
        """Submit a research that builds on an earlier one; as ``submit_research``."""
        body = _research(topic, configuration, more)
        return job_of(await self._submit(_of(research_id, "follow-up"), body, key))

    async def estimate_research(self, topic: str, configuration: Configured = NOTHING) -> Estimate:
        """What a research would need outside; nothing is submitted."""
        told = await self._post("/research/estimate", _research(topic, configuration, {}))
        return record(Estimate, {**told, "unpriced": tuple(told["unpriced"])})

    async def list_research(
        self,
        *,
        status: Sequence[JobStatus] = (),
        tag: str = "",
        limit: int = 50,
        cursor: str = "",
        **more: object,
    ) -> Page:
        """The researches that match, newest first, a page at a time.

        Args:
            status: any of these.
            tag: that they have.
            limit: at most so many (1–500).
            cursor: of the page before.
            more: ``mode``; ``since`` and ``until``, seconds since the epoch.
        """
        query = {"status": list(status), "tag": tag, "limit": limit, "cursor": cursor, **more}
        return page_of(await self._get("/research", query))

    async def get_research(self, research_id: str) -> Job:
        """One research as it is now."""
        return job_of(await self._get(_of(research_id)))

    async def delete_research(self, research_id: str) -> None:
        """Erase a research that does not run, its report, and the questions to it."""
        await self._send("DELETE", _of(research_id))

    async def cancel_research(self, research_id: str) -> Job:
        """Cancel a research that waits, or ask one that runs to stop."""
        return job_of(await self._post(_of(research_id, "cancel")))

    async def resume_research(self, research_id: str) -> Job:
        """Let a research that failed or was cancelled go on."""
        return job_of(await self._post(_of(research_id, "resume")))

    async def get_plan(self, research_id: str) -> dict[str, object]:
        """The plan of a research: title, language and sections."""
        return await self._get(_of(research_id, "plan"))

    async def put_plan(self, research_id: str, plan: Mapping[str, object]) -> Job:
        """Give a research that awaits approval another plan, which approves it."""
        answer = await self._send("PUT", _of(research_id, "plan"), body=dict(plan))
        return job_of(answer.json())

    async def approve_plan(self, research_id: str, plan: Mapping[str, object] | None = None) -> Job:
        """Let a research that awaits approval go on, with its plan or another."""
        body = None if plan is None else dict(plan)
        return job_of(await self._post(_of(research_id, "approve"), body))

    async def get_result(self, research_id: str) -> dict[str, object]:
        """The report of a research, as the JSON contract's dict."""
        return await self._get(_of(research_id, "result"), {"format": "json"})

    async def get_rendered(
        self, research_id: str, form: str, *, drawings: bool | None = None
    ) -> str:
        """The report of a research as ``markdown`` or ``html``."""
        query = {"format": form, "drawings": None if drawings is None else str(drawings).lower()}
        return (await self._send("GET", _of(research_id, "result"), query=query)).text

    async def follow_events(self, research_id: str, *, after: int = 0) -> AsyncGenerator[Event]:
        """What happens to a research, from the event after number ``after`` until it has ended.

        A connection that breaks is taken up again where it broke, as often as ``patience`` says
        without one that lasts.
        """
        failures = 0
        while True:
            begun = time.monotonic()
            broken: WiseflowError = NetworkFailed("the stream of events breaks off again and again")
            try:
                async with aclosing(self._stream(research_id, after)) as stream:
                    async for event in stream:
                        if event is None:
                            return
                        after = event.number
                        yield event
            except (NetworkFailed, CallTimeout, ProviderDown, RateLimited, StorageError) as error:
                broken = error
            failures = 0 if time.monotonic() - begun > LASTING_S else failures + 1
            if failures >= self._patience.attempts:
                raise broken
            await asyncio.sleep(LOOK_S * failures)

    async def wait(self, research_id: str, *, timeout_s: float | None = None) -> Job:
        """The research, once it has ended or awaits approval.

        Args:
            research_id: of the research.
            timeout_s: for how long to wait; ``None`` for as long as it takes.

        Raises:
            CallTimeout: it has not ended by then.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    job = await self.get_research(research_id)
                    if job.status.final or job.status is JobStatus.AWAITING_APPROVAL:
                        return job
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise CallTimeout(
                f"the research {research_id} has not ended within {timeout_s:g} seconds",
                cure="Wait longer; it goes on",
            ) from None

    async def list_runs(self, schedule: str, *, limit: int = 100) -> list[Job]:
        """The researches of a schedule, newest first."""
        told = await self._get(f"/schedules/{segment(schedule)}/runs", {"limit": limit})
        return [job_of(one) for one in told]

    async def run_schedule(self, schedule: str) -> Job:
        """Do a schedule's research now; its next due time stays."""
        return job_of(await self._post(f"/schedules/{segment(schedule)}/run"))

    async def list_sources(self, research_id: str) -> list[SourceReference]:
        """The bibliography of a report."""
        return references_of(await self._get(_of(research_id, "sources")))

    async def get_source(self, research_id: str, source_id: str) -> SourceText:
        """A source of a report with its stored text."""
        return record(SourceText, await self._get(_of(research_id, "sources", source_id)))

    async def ask_report(
        self, research_id: str, question: str, *, model: str | None = None
    ) -> AskedQuestion:
        """Ask a report something; the answer comes later, unless it was asked before."""
        body = {"question": question, **({"model": model} if model else {})}
        return question_of(await self._post(_of(research_id, "ask"), body))

    async def list_questions(self, research_id: str) -> list[Job]:
        """The questions that were asked to a report, newest first."""
        told = await self._get(_of(research_id, "questions"))
        return [question_of(one).job for one in told["questions"]]

    async def get_question(self, research_id: str, question_id: str) -> AskedQuestion:
        """A question with its answer, once there is one."""
        return question_of(await self._get(_of(research_id, "questions", question_id)))

    async def list_collections(self) -> list[Collection]:
        """All collections of documents."""
        return collections_of(await self._get("/collections"))

    async def delete_collection(self, collection: str) -> None:
        """Erase a collection with its files."""
        await self._send("DELETE", f"/collections/{segment(collection)}")

    async def list_files(self, collection: str) -> list[UploadedFile]:
        """The files of a collection."""
        told = await self._get(f"/collections/{segment(collection)}/files")
        return records(UploadedFile, told["files"])

    async def upload_files(
        self, collection: str, files: Mapping[str, bytes] | Sequence[Path], *, private: bool = False
    ) -> UploadReport:
        """Upload files into a collection, which is made if there is none.

        Args:
            collection: its name.
            files: contents by name, or files to read.
            private: make it one that never leaves the service's machine.
        """
        if not isinstance(files, Mapping):
            files = {path.name: await asyncio.to_thread(path.read_bytes) for path in files}
        asked = Asked(
            method="POST",
            path=f"{API}/collections/{segment(collection)}/files",
            files=[("files", (name, content)) for name, content in files.items()],
            form={"private": str(private).lower()},
        )
        return upload_of((await self._asking.send(asked)).json())

    async def delete_file(self, collection: str, name: str) -> None:
        """Take an uploaded file out of a collection."""
        await self._send("DELETE", f"/collections/{segment(collection)}/files/{segment(name)}")

    async def search_documents(
        self, query: str, *, collection: str = "default", k: int = 10
    ) -> list[Hit]:
        """The best passages of a collection."""
        wanted = {"query": query, "collection": collection, "k": k}
        return [hit_of(one) for one in (await self._get("/search", wanted))["hits"]]

    async def get_health(self) -> dict[str, object]:
        """How the service and its parts are, as API3 has it."""
        return (await self._asking.send(Asked(method="GET", path="/health"))).json()

    async def get_live(self) -> bool:
        """Whether the service answers; raises as any request where it does not."""
        return (await self._asking.send(Asked(method="GET", path="/health/live"))).is_success

    async def get_ready(self) -> bool:
        """Whether it can serve; raises once that took too long."""
        return (await self._asking.send(Asked(method="GET", path="/health/ready"))).is_success

    async def get_startup(self) -> bool:
        """Whether its start is over."""
        return (await self._asking.send(Asked(method="GET", path="/health/startup"))).is_success

    async def _stream(self, research_id: str, after: int) -> AsyncGenerator[Event | None]:
        """Events of one connection; ``None`` once the research has ended."""
        asked = Asked(
            method="GET", path=API + _of(research_id, "events"), query={"after": after or None}
        )
        async with self._asking.stream(asked) as answer:
            async for message in messages(answer.aiter_lines()):
                if message.event == END:
                    yield None
                elif message.number is not None:
                    yield event_of(research_id, message.number, json.loads(message.data))

    async def _submit(self, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key or new_id()}
        asked = Asked(method="POST", path=API + path, body=body, headers=headers)
        return (await self._asking.send(asked)).json()


def _of(research_id: str, *parts: str) -> str:
    return "/".join(["/research", *map(segment, (research_id, *parts))])


def _research(
    topic: str, configuration: Configured, more: Mapping[str, object]
) -> dict[str, object]:
    return {"topic": topic, "configuration": _configuration(configuration), **_plain(more)}


def _configuration(given: Configured) -> dict[str, object]:
    """What differs from the defaults: where nothing is said, the service's settings hold."""
    if not isinstance(given, Configuration):
        return dict(given)
    named = dataclasses.asdict(given)
    usual = dataclasses.asdict(Configuration())
    spent: dict[str, object] = named.pop("budget")
    budget = {name: value for name, value in spent.items() if value is not None}
    changed: dict[str, object] = {
        name: value for name, value in named.items() if value != usual[name]
    }
    return changed | ({"budget": budget} if budget else {})


def _plain(more: Mapping[str, object]) -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType]
        for name, value in more.items()
    }

"""A thousand broken pages, PDFs and answers of searches, and bombs: each named, none fatal.

Broken ones are valid ones after accidents by chance: bytes changed, cut, repeated, moved, numbers
made absurd, tags and markers strewn in, other types told. Pages and PDFs go the product's own way:
from a server on this machine by the fetcher, then to a worker process with the bounds that the
program sets. Answers come from the simulator's search providers, broken on their way to each
adapter that is installed. Then:

- each gives something that can be read, or an error of ours that says why in one sentence;
- none takes longer than its bound, and no process more memory than its bound;
- a valid one is read after all of them.

    python proofs/malformed_pages.py --cases 1000 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from broken_inputs import (
    HTML,
    PAGE,
    PAPER,
    PDF,
    Given,
    answer_bombs,
    bombs,
    broken_answer,
    malformed,
)

from wiseflow.core.asking import FetchRequest, SearchRequest, SearchResult
from wiseflow.core.calls import CallKind
from wiseflow.core.errors import ConfigurationError, WiseflowError
from wiseflow.engine.processes import ProcessLimits, ProcessPool
from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher
from wiseflow.providers.registry import Registry
from wiseflow.research.web.reading import LIMITS, read_page
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.providers import PROVIDERS

# The defaults of INDEX_PARSE_TIMEOUT and INDEX_PARSE_MEMORY_BYTES, which hold for pages.
TIMEOUT_S, MEMORY_BYTES = 60.0, 1024**3
OWN_MEMORY_BYTES = 700 * 1024**2  # of this process, which reads the answers of searches
AT_ONCE = 4
RESULT = SearchResult(title="Tides", url="http://127.0.0.1/", snippet="", provider="proof")
NUMBERS = re.compile(r"[0-9][0-9,.]*|'[^']*'|\"[^\"]*\"")


@dataclass
class Tally:
    """What became of all that was tried."""

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    slowest: tuple[float, str] = (0.0, "")

    async def attempt(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work, and note what came of it."""
        begun = time.monotonic()
        try:
            await work()
            self.read += 1
        except WiseflowError as error:
            said = error.message.splitlines()
            if len(said) != 1 or not said[0].strip() or "Traceback" in str(error):
                self.wrong.append(f"{name}: it does not say why: {error!r}")
            self.refused[f"{type(error).__name__}: {NUMBERS.sub('…', said[0])[:80]}"] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.wrong.append(f"{name}: {error!r}")
        self.slowest = max(self.slowest, (time.monotonic() - begun, name))


class Pages:
    """Serves what is given, and has the product fetch and read it."""

    def __init__(self, pool: ProcessPool, fetcher: PageFetcher) -> None:
        self.pool = pool
        self.fetcher = fetcher
        self.base = ""
        self._given: dict[str, Given] = {}

    async def serve(self, request: web.Request) -> web.Response:
        given = self._given.get(request.path.lstrip("/"))
        if given is None:
            return web.Response(status=404)
        headers = {"Content-Type": given.kind}
        if given.packed:
            headers["Content-Encoding"] = given.packed
        return web.Response(body=given.body, headers=headers)

    async def read(self, given: Given) -> object:
        key = str(id(given))
        self._given[key] = given
        try:
            request = FetchRequest(url=f"{self.base}/{key}", max_bytes=LIMITS.file_bytes)
            page = (await self.fetcher.fetch(request)).value
            return await self.pool.run(read_page, page, RESULT)
        finally:
            del self._given[key]


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def in_parts(
    tally: Tally, works: Iterator[tuple[str, Callable[[], Awaitable[object]]]], at_once: int
) -> None:
    """Do all, a few at once."""

    async def some() -> None:
        for name, work in works:
            await tally.attempt(name, work)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())


async def pages_and_papers(cases: int, chance: random.Random, *, with_bombs: bool) -> Tally:
    tally, network = Tally(), Network(allowed_networks=("127.0.0.0/8",))
    limits = ProcessLimits(memory_bytes=MEMORY_BYTES, cpu_s=TIMEOUT_S)
    fetcher = PageFetcher(network)
    async with ProcessPool(
        workers=2, name="proof", timeout_s=TIMEOUT_S, limits=limits,
        preload=("wiseflow.research.web.warming",),
    ) as pool:  # fmt: skip
        pages = Pages(pool, fetcher)
        async with serving(pages.serve) as pages.base:
            kinds = ["page", "PDF"] * (cases // 2)
            given = (malformed(kind, number, chance) for number, kind in enumerate(kinds))
            await in_parts(tally, _reads(pages, given), AT_ONCE)
            if with_bombs:
                # One by one, so that the time of each is its own.
                await in_parts(tally, _reads(pages, bombs()), 1)
            for name, body, kind in (("page", PAGE, HTML), ("PDF", PAPER, PDF)):
                whole = Tally()
                one = Given(name=f"the valid {name}", body=body, kind=kind)
                await in_parts(whole, _reads(pages, iter([one])), 1)
                tally.wrong += [f"{one.name} is not read: {whole.refused}"] * (1 - whole.read)
    await fetcher.aclose()
    return tally


def _reads(
    pages: Pages, given: Iterator[Given]
) -> Iterator[tuple[str, Callable[[], Awaitable[object]]]]:
    for one in given:
        yield one.name, lambda one=one: pages.read(one)


async def answers(cases: int, chance: random.Random, *, with_bombs: bool) -> Tally:
    tally, registry = Tally(), Registry()
    names = [spec.name for spec in registry.specs(CallKind.SEARCH) if spec.name in PROVIDERS]
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        path, query = request.path, request.query_string
        async with aiohttp.ClientSession() as session:
            url = f"{simulator.address}{path}{'?' if query else ''}{query}"
            headers = {"Authorization": request.headers.get("Authorization", "Bearer k")}
            sent = await request.read()
            async with session.request(request.method, url, data=sent, headers=headers) as got:
                whole, kind = await got.read(), got.headers["Content-Type"]
        body = bodies.pop() if bodies else broken_answer(whole, chance)
        return web.Response(body=body, headers={"Content-Type": kind})

    async def search(name: str, clients: HttpClients, base: str, bomb: bytes | None) -> object:
        bodies[:] = [bomb] * 9 if bomb is not None else []
        told = PROVIDERS[name]
        place = base + told.prefix + next(iter(told.settings.values()), "")
        try:
            endpoint = registry.endpoint(name, api_key="k", base_url=place)
        except ConfigurationError:
            endpoint = registry.endpoint(name, base_url=place)
        service = registry.search(endpoint, clients)
        return await service.search(SearchRequest(query="tides", limit=5))

    with SimulatorProcess(SimulatorOptions(time_scale=0.001)) as simulator:
        clients = HttpClients(Network())
        async with serving(answer) as base:
            for number in range(cases):
                name = names[number % len(names)]
                await tally.attempt(
                    f"answer {number} of {name}",
                    lambda name=name: search(name, clients, base, None),
                )
            for number, bomb in enumerate(answer_bombs() if with_bombs else ()):
                for name in names:
                    await tally.attempt(
                        f"answer bomb {number} of {name}",
                        lambda name=name, bomb=bomb: search(name, clients, base, bomb),
                    )
        await clients.aclose()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-bombs", action="store_true", help="leave the bombs out")
    options = parser.parse_args()
    chance, with_bombs = random.Random(options.seed), not options.no_bombs
    of_pages = 2 * (options.cases // 3)
    begun = time.monotonic()
    searched = asyncio.run(answers(options.cases - of_pages, chance, with_bombs=with_bombs))
    own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    read = asyncio.run(pages_and_papers(of_pages, chance, with_bombs=with_bombs))
    child_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    wrong = searched.wrong + read.wrong
    wrong += [f"{name} took {took:.0f} s" for took, name in (searched.slowest, read.slowest)
              if took > TIMEOUT_S + 30]  # fmt: skip
    if with_bombs and own_bytes > OWN_MEMORY_BYTES:
        wrong.append(f"reading answers took {own_bytes / 1e6:.0f} MB")
    if child_bytes > MEMORY_BYTES * 1.5:
        wrong.append(f"a process took {child_bytes / 1e6:.0f} MB")
    for what, tally in (("answers", searched), ("pages and PDFs", read)):
        print(
            f"{what}: {tally.read} read, {tally.refused.total()} refused; the slowest, "
            f"{tally.slowest[1]}, took {tally.slowest[0]:.1f} s"
        )
        for reason, count in tally.refused.most_common(40):
            print(f"  {count:5} {reason}")
    print(
        f"{options.cases} broken inputs{' and bombs' if with_bombs else ''}; not named, fatal or "
        f"out of bounds: {len(wrong)}; at most {own_bytes / 1e6:.0f} MB in this process and "
        f"{child_bytes / 1e6:.0f} MB in a worker; {time.monotonic() - begun:.0f} s"
    )
    for line in wrong:
        print(f"  {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

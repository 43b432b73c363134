"""What a provider is to the simulator: paths, how requests are read, how they are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wiseflow.simulator.calls import Call, Incoming, Prompt, Reply
from wiseflow.simulator.faults import FaultKind
from wiseflow.simulator.finding import Finder
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.pages import PageShelf
from wiseflow.simulator.problems import Problem
from wiseflow.simulator.rate_headers import RateHeaders, generic_headers
from wiseflow.simulator.world import World
from wiseflow.simulator.writer import Writer, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What all answers are made from.

    Args:
        options: of the simulator.
        world: its facts.
        finder: its search.
        shelf: its pages.
        writer: its model.
    """

    options: SimulatorOptions
    world: World
    finder: Finder
    shelf: PageShelf
    writer: Writer

    @classmethod
    def of(cls, options: SimulatorOptions) -> Shop:
        """Everything that the options ask for."""
        world = World(
            options.seed, topics=options.topics, conflicts=options.conflicts, links=options.links
        )
        return cls(
            options=options,
            world=world,
            finder=Finder(world),
            shelf=PageShelf(world, options.page_bytes),
            writer=Writer(
                world,
                options.output_tokens,
                judge_errors=options.judge_errors,
                own_words=options.own_words,
                careless=options.careless,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one answer is made from.

    Args:
        shop: as for all.
        incoming: the request.
        address: of the simulator, as ``http://127.0.0.1:8080``.
        wall: seconds since the epoch.
        number: of the request: ids in answers are made of it.
        fault: that the answer is to have, or ``None``.
    """

    shop: Shop
    incoming: Incoming
    address: str
    wall: float
    number: int
    fault: FaultKind | None = None

    @property
    def empty(self) -> bool:
        """Whether the answer is to hold nothing."""
        return self.fault is FaultKind.EMPTY

    def write(self, prompt: Prompt) -> Written:
        """What the model answers."""
        return self.shop.writer.write(prompt, self.fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path of a provider.

    Args:
        method: of HTTP.
        path: after the provider's prefix, in aiohttp's form (``/models/{model}``).
        read: what a request asks for; raises ``Unanswerable``.
        answer: the answer; raises ``Unanswerable``.
    """

    method: str
    path: str
    read: Callable[[Incoming], Call]
    answer: Callable[[Call, Desk], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider: a file in ``providers`` has one, or two that differ in little.

    Args:
        name: in limits, faults and the log.
        prefix: of its paths on the simulator.
        endpoints: its paths.
        problem: an error in its words.
        settings: names of settings, and what stands after its address in each.
        rate_headers: how it tells of limits.
        keyed: whether it asks for a key.
    """

    name: str
    prefix: str
    endpoints: tuple[Endpoint, ...]
    problem: Callable[[Problem], Reply]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    rate_headers: RateHeaders = generic_headers
    keyed: bool = True

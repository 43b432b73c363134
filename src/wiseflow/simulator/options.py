"""What a simulator is started with."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.faults import FaultPlan
from wiseflow.simulator.latency import LATENCIES, Latency
from wiseflow.simulator.limits import EVERY, Limit
from wiseflow.simulator.pages import PAGE_BYTES
from wiseflow.simulator.world import TOPICS
from wiseflow.simulator.writer import OUTPUT_TOKENS

CONTEXT_TOKENS = 128_000
NUM_CTX = 4096  # what Ollama takes where nothing is said
EMBEDDING_SIZE = 256
CHUNK_TOKENS = 8
NO_FAULTS = FaultPlan()
MODELS = ("sim-large", "sim-small", "sim-embed")  # what is listed where any name will do


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is known.

    Args:
        name: of it.
        context: tokens of a prompt and its answer together.
    """

    name: str
    context: int = CONTEXT_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What answered requests cost; the first price that fits a request is it.

    Args:
        provider: whose; ``*`` is every one's.
        model: whose; ``*`` is every one's.
        a_request: each.
        million_in: a million tokens in.
        million_out: a million tokens out.
    """

    provider: str = EVERY
    model: str = EVERY
    a_request: float = 0.0
    million_in: float = 0.0
    million_out: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """All settings of a simulator. Times are simulated seconds.

    Args:
        host: to listen at; a loopback address, unless ``any_host``.
        port: 0 takes a free one.
        any_host: listen at an address that others may reach.
        seed: of the world, the latencies and the faults.
        time_scale: real seconds a simulated one takes.
        topics: of the world.
        conflicts: share of the facts that one page states with another value.
        links: whether pages tell how entities of different topics are linked.
        judge_errors: share of the model's judgements on claims that are wrong.
        own_words: share of the claims that a model writes in other words than those it read.
        careless: share of those that it gets wrong.
        page_bytes: of each page's HTML, about.
        latencies: by kind; kinds left out have their default.
        limits: of each key.
        faults: what goes wrong from the start.
        models: names that are answered; none given, any is.
        context_tokens: of models that are not listed.
        keys: those that are valid; none given, any is.
        prices: for the log.
        rate_headers: whether answers tell how the limits stand.
        output_tokens: how long a free text is.
        embedding_size: numbers a vector, where no other size is asked for.
        chunk_tokens: tokens a part of a streamed answer.
    """

    host: str = "127.0.0.1"
    port: int = 0
    any_host: bool = False
    seed: int = 1
    time_scale: float = 1.0
    topics: int = TOPICS
    conflicts: float = 0.0
    links: bool = False
    judge_errors: float = 0.0
    own_words: float = 0.0
    careless: float = 0.0
    page_bytes: int = PAGE_BYTES
    latencies: Mapping[CallKind, Latency] = field(default_factory=dict[CallKind, Latency])
    limits: tuple[Limit, ...] = ()
    faults: FaultPlan = NO_FAULTS
    models: tuple[Model, ...] = ()
    context_tokens: int = CONTEXT_TOKENS
    keys: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    rate_headers: bool = True
    output_tokens: int = OUTPUT_TOKENS
    embedding_size: int = EMBEDDING_SIZE
    chunk_tokens: int = CHUNK_TOKENS

    def __post_init__(self) -> None:
        for name in ("judge_errors", "own_words", "careless"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(
                    f"{name} is {getattr(self, name):g}", cure="Give a share from 0 to 1"
                )
        if not (self.any_host or _is_loopback(self.host)):
            raise InvalidInput(
                f"{self.host} is an address that others may reach",
                cure="Give a loopback address such as 127.0.0.1, or say --any-host",
            )
        for name, least, value in (
            ("port", 0, self.port),
            ("page_bytes", 0, self.page_bytes),
            ("context_tokens", 1, self.context_tokens),
            ("output_tokens", 1, self.output_tokens),
            ("embedding_size", 1, self.embedding_size),
            ("chunk_tokens", 1, self.chunk_tokens),
        ):
            if value < least:
                raise InvalidInput(f"{name} is {value}", cure=f"Give {least} or more")

    def latency(self, kind: CallKind) -> Latency:
        """Of a kind of request."""
        return self.latencies.get(kind) or LATENCIES[kind]

    def model(self, name: str) -> Model | None:
        """The model of a name, or ``None`` where others are listed and it is not."""
        if not self.models:
            return Model(name=name, context=self.context_tokens)
        return next((one for one in self.models if one.name == name), None)

    def model_names(self) -> tuple[str, ...]:
        """What a list of models shows."""
        return tuple(one.name for one in self.models) or MODELS

    def cost(self, provider: str, model: str, tokens_in: int, tokens_out: int) -> float:
        """What an answered request costs."""
        for price in self.prices:
            if price.provider in {EVERY, provider} and price.model in {EVERY, model}:
                tokens = tokens_in * price.million_in + tokens_out * price.million_out
                return price.a_request + tokens / 1e6
        return 0.0


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

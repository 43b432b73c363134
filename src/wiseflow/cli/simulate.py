"""``wiseflow simulate``: providers of models, searches and pages, on this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from wiseflow.core.errors import InvalidInput, MissingExtra
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate, mixture
from wiseflow.simulator.latency import LATENCIES, Latency
from wiseflow.simulator.limits import Dimension, Limit, Window
from wiseflow.simulator.options import SimulatorOptions

if TYPE_CHECKING:
    from wiseflow.simulator.server import Simulator

SHARE = click.FloatRange(0, 1)


@click.command()
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--any-host", is_flag=True, help="Let --host be an address that others may reach.")
@click.option("--seed", default=1, show_default=True, help="Of facts, latencies and faults.")
@click.option(
    "--time-scale", default=1.0, show_default=True, help="Real seconds a simulated second takes."
)
@click.option("--rpm", type=float, help="Requests a minute that each key of a provider has.")
@click.option("--tpm", type=float, help="Tokens a minute.")
@click.option("--concurrency", type=float, help="Requests at once.")
@click.option("--bytes-per-s", type=float, help="Bytes of answers a second.")
@click.option(
    "--window",
    type=click.Choice([str(one) for one in Window]),
    default=str(Window.SLIDING),
    show_default=True,
    help="How limits count.",
)
@click.option("--faults", default=0.0, type=SHARE, help="Share of requests that meet some fault.")
@click.option(
    "--fault", "single", multiple=True, metavar="[PROVIDER:]KIND=RATE", help="One kind of fault."
)
@click.option("--latency", multiple=True, metavar="KIND=SECONDS", help="Such as model=1.3.")
@click.option("--until-eof", is_flag=True, help="End when standard input does.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one line of JSON.")
def simulate(as_json: bool, until_eof: bool, **given: Any) -> None:
    """Answer as model, search and web providers do, over facts that are known. Ctrl-C ends it."""
    options = parse_options(given)
    _check_extra()
    # aiohttp is an extra, and slow to import.
    from wiseflow.simulator.serving import announcement, serve  # noqa: PLC0415

    def ready(simulator: Simulator) -> None:
        click.echo(announcement(simulator) if as_json else render(simulator))

    # What a service manager sends is the same wish as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(serve(options, ready, sys.stdin.buffer if until_eof else None))
    except KeyboardInterrupt:
        click.echo("The simulator has ended.", err=True)


def parse_options(given: Mapping[str, Any]) -> SimulatorOptions:
    """What the options of the command ask for.

    Args:
        given: their values by name.

    Raises:
        InvalidInput: one cannot be.
    """
    return SimulatorOptions(
        host=given["host"],
        port=given["port"],
        any_host=given["any_host"],
        seed=given["seed"],
        time_scale=given["time_scale"],
        limits=tuple(_limits(given, Window(given["window"]))),
        faults=FaultPlan(rates=(*map(parse_fault, given["single"]), *mixture(given["faults"]))),
        latencies=dict(map(parse_latency, given["latency"])),
    )


def _limits(given: Mapping[str, Any], window: Window) -> Iterator[Limit]:
    for name, dimension, window_s in (
        ("rpm", Dimension.REQUESTS, 60.0),
        ("tpm", Dimension.TOKENS, 60.0),
        ("concurrency", Dimension.CONCURRENCY, 60.0),
        ("bytes_per_s", Dimension.BYTES, 1.0),
    ):
        if given[name] is not None:
            yield Limit(dimension=dimension, amount=given[name], window_s=window_s, window=window)


def parse_fault(text: str) -> FaultRate:
    """``KIND=RATE`` or ``PROVIDER:KIND=RATE``.

    Raises:
        InvalidInput: it is of another form, or no such kind.
    """
    name, rate = _split(text, "--fault", "503=0.05")
    provider, _, kind = name.rpartition(":")
    if kind not in set(FaultKind):
        raise InvalidInput(f"there is no fault {kind!r}", cure=_one_of(list(FaultKind)))
    return FaultRate(kind=FaultKind(kind), rate=rate, provider=provider or "*")


def parse_latency(text: str) -> tuple[CallKind, Latency]:
    """``KIND=SECONDS``.

    Raises:
        InvalidInput: it is of another form, or no such kind.
    """
    name, seconds = _split(text, "--latency", "model=1.3")
    if name not in set(LATENCIES):
        raise InvalidInput(f"no request is of the kind {name!r}", cure=_one_of(list(LATENCIES)))
    return CallKind(name), Latency(mean_s=seconds)


def _split(text: str, option: str, example: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise InvalidInput(
            f"{option} {text!r} is not a name and a number", cure=f"Write it as {example}"
        ) from None


def _one_of(names: Sequence[str]) -> str:
    return f"Give one of {', '.join(names)}"


def render(simulator: Simulator) -> str:
    """Where it is, and what to set to use it."""
    settings = [f"export {name}={value}" for name, value in simulator.settings().items()]
    return "\n".join(
        [
            f"The simulator answers at {simulator.address} until Ctrl-C.",
            "",
            *settings,
            "",
            f"Its log: curl {simulator.address}/_simulator/log",
        ]
    )


def _check_extra() -> None:
    """Refuse before work where the server's library is missing.

    Raises:
        MissingExtra: it is.
    """
    if importlib.util.find_spec("aiohttp") is None:
        raise MissingExtra("simulator", "wiseflow simulate")

"""What the samples of the last minutes suggest, each with what applies it: pure rules.

A rule speaks only when the samples show it for most of the time, so that a moment's peak suggests
nothing. What they cannot show, nobody suggests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wiseflow.app.metering.series import PerformanceSample

# Five minutes of samples, and at least one minute; a rule holds for three quarters of them.
LOOKED_AT: Final = 60
LEAST: Final = 12
MOST_OF: Final = 0.75

# Above these, something is full; below, there is room.
FULL: Final = 0.95
BUSY: Final = 0.9
ROOM: Final = 0.7
FAILING: Final = 0.05
LEAST_CALLS: Final = 20
SLOW_API_S: Final = 1.0
# So much more, or less, at a time: enough to be seen, little enough to be undone.
STEP: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to change.

    Args:
        text: what the samples show, and what to do, in a sentence each.
        setting: the setting to change; "" when it is none.
        value: what to set it to; "" when only who runs the service can know.
        command: what to type; "" when it is a setting.
    """

    text: str
    setting: str = ""
    value: str = ""
    command: str = ""


def suggestions(samples: Sequence[PerformanceSample]) -> list[Suggestion]:
    """What the last of these samples, oldest first, suggest; the most pressing first."""
    latest = samples[-LOOKED_AT:]
    if len(latest) < LEAST:
        return []
    return [one for rule in _RULES for one in rule(latest)]


def _mostly(
    samples: Sequence[PerformanceSample], holds: Callable[[PerformanceSample], bool]
) -> bool:
    return sum(map(holds, samples)) >= MOST_OF * len(samples)


def _memory(samples: Sequence[PerformanceSample]) -> Iterator[Suggestion]:
    places = samples[-1].places
    if places > 1 and _mostly(samples, lambda one: one.memory_use >= BUSY):
        fewer = max(1, int(places / STEP))
        yield Suggestion(
            text=f"Memory is {samples[-1].memory_use:.0%} full. Run {fewer} researches at once "
            f"instead of {places}.",
            setting="MAX_CONCURRENT_RESEARCH",
            value=str(fewer),
        )


def _waiting_for_places(samples: Sequence[PerformanceSample]) -> Iterator[Suggestion]:
    def waits(one: PerformanceSample) -> bool:
        return one.worker_use >= FULL and (one.pending or 0) > 0

    if not _mostly(samples, waits):
        return
    last = samples[-1]
    waiting = f"{last.pending or 0} jobs wait, and all {last.places} places are taken."
    if _mostly(samples, lambda one: one.cpu_use >= BUSY):
        yield Suggestion(
            text=f"{waiting} The cores are busy: start a worker on another machine.",
            command="wiseflow worker",
        )
    elif _mostly(samples, lambda one: max(one.cpu_use, one.memory_use) <= ROOM) and not _held(
        samples
    ):
        more = max(last.places + 1, int(last.places * STEP))
        yield Suggestion(
            text=f"{waiting} There is room on this machine: run {more} researches at once.",
            setting="MAX_CONCURRENT_RESEARCH",
            value=str(more),
        )


def _limits(samples: Sequence[PerformanceSample]) -> Iterator[Suggestion]:
    for provider in _held(samples):
        yield Suggestion(
            text=f"Calls wait for the limit of {provider}, which is used up. Raise it if your "
            "contract allows more, or let another provider stand in.",
            setting="RATE_LIMITS",
        )


def _held(samples: Sequence[PerformanceSample]) -> list[str]:
    """The providers whose limits hold calls back."""

    def is_held(provider: str) -> Callable[[PerformanceSample], bool]:
        def held(one: PerformanceSample) -> bool:
            use = one.limits.get(provider)
            return use is not None and use.waiting > 0 and max(use.used.values(), default=0) >= FULL

        return held

    return [one for one in sorted(samples[-1].limits) if _mostly(samples, is_held(one))]


def _failing(samples: Sequence[PerformanceSample]) -> Iterator[Suggestion]:
    for provider in sorted({name for one in samples for name in one.calls}):
        told = [one.calls[provider] for one in samples if provider in one.calls]
        made, failed = sum(one.count for one in told), sum(one.failed for one in told)
        if made >= LEAST_CALLS and failed > FAILING * made:
            yield Suggestion(
                text=f"{failed / made:.0%} of the last {made} calls to {provider} failed. The log "
                "tells why; another provider can stand in.",
                command="wiseflow config show",
            )


def _slow_api(samples: Sequence[PerformanceSample]) -> Iterator[Suggestion]:
    def slow(one: PerformanceSample) -> bool:
        return (one.api.p95_s or 0.0) > SLOW_API_S and one.cpu_use >= BUSY and one.running > 0

    if _mostly(samples, slow):
        yield Suggestion(
            text="Answers are slow while researches keep the cores busy. Serve without researches, "
            "and run them in workers.",
            command="wiseflow serve --parallel 0",
        )


_RULES: Final = (_memory, _slow_api, _waiting_for_places, _limits, _failing)

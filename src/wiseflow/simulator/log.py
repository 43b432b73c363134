"""What was asked, when and with what end; and figures from it."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from wiseflow.simulator.calls import CallKind, Ending

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request.

    Args:
        number: from 1, in the order in which they ended.
        arrived_s: simulated seconds since the start.
        ended_s: the same.
        provider: who answered.
        endpoint: its path, as the provider's documentation names it.
        kind: what was asked for.
        ending: how it ended.
        status: of HTTP; 0 when the connection was cut.
        fault: what was made to go wrong, or "".
        key: of the caller.
        model: its name, or "".
        tokens_in: counted.
        tokens_out: counted.
        bytes_in: of the body.
        bytes_out: of the answer's.
        cost: in the currency of the prices that were given.
        run: what the caller sent as ``X-Wiseflow-Run``.
        step: what the caller sent as ``X-Wiseflow-Step``.
        digest: equal requests have equal ones.
    """

    number: int
    arrived_s: float
    ended_s: float
    provider: str
    endpoint: str
    kind: CallKind
    ending: Ending
    status: int
    fault: str
    key: str
    model: str
    tokens_in: int
    tokens_out: int
    bytes_in: int
    bytes_out: int
    cost: float
    run: str
    step: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """Figures of one key at one provider.

    Args:
        provider: who.
        key: whose.
        requests: all of them.
        admitted: those that no limit refused, whatever became of them then.
        limited: those that a limit refused.
        faulted: those that met a fault.
        answered: those that were answered in full.
        status_429: by limits and by faults.
        most_in_window: the most requests admitted in any window of ``window_s``.
        most_tokens_in_window: the most tokens of requests admitted in any such window.
        window_s: in simulated seconds.
        peak_concurrency: the most admitted requests under way at once.
        duplicates: answered requests that were equal to one answered before: paid for twice.
        tokens_in: of the answered ones.
        tokens_out: of the answered ones.
        cost: of the answered ones.
    """

    provider: str
    key: str
    requests: int
    admitted: int
    limited: int
    faulted: int
    answered: int
    status_429: int
    most_in_window: int
    most_tokens_in_window: int
    window_s: float
    peak_concurrency: int
    duplicates: int
    tokens_in: int
    tokens_out: int
    cost: float


class RequestLog:
    """Every request that ended, in that order."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """All of them; a copy."""
        return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep one more."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def of(self, *, provider: str | None = None, run: str | None = None) -> Sequence[Entry]:
        """Those of a provider, of a run, or of both."""
        return tuple(
            one
            for one in self._entries
            if provider in {None, one.provider} and run in {None, one.run}
        )

    def duplicates(self) -> int:
        """How many answered requests were equal to one answered before."""
        return duplicates(self._entries)

    def lines(self) -> str:
        """One JSON object a request and line."""
        return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in self._entries)

    def stats(self, window_s: float = WINDOW_S) -> Sequence[Stat]:
        """Figures by provider and key.

        Args:
            window_s: simulated seconds over which the most is looked for.
        """
        groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._entries:
            groups.setdefault((entry.provider, entry.key), []).append(entry)
        return [_stat(groups[name], window_s) for name in sorted(groups)]


def duplicates(entries: Iterable[Entry]) -> int:
    """How many answered requests were equal to one answered before."""
    answered = Counter(
        (one.provider, one.digest) for one in entries if one.ending is Ending.ANSWERED
    )
    return answered.total() - len(answered)


def most_in_window(entries: Iterable[Entry], window_s: float) -> tuple[int, int]:
    """The most requests, and the most tokens, that arrived in any window.

    Args:
        entries: admitted ones.
        window_s: in simulated seconds; its end does not belong to it.
    """
    inside: deque[tuple[float, int]] = deque()
    requests = tokens = within = 0
    for at, used in sorted((one.arrived_s, one.tokens_in + one.tokens_out) for one in entries):
        while inside and inside[0][0] + window_s <= at:
            within -= inside.popleft()[1]
        inside.append((at, used))
        within += used
        requests, tokens = max(requests, len(inside)), max(tokens, within)
    return requests, tokens


def peak_concurrency(entries: Iterable[Entry]) -> int:
    """The most that were under way at once; one that ends as another arrives makes room for it."""
    moves = sorted(move for one in entries for move in ((one.arrived_s, 1), (one.ended_s, -1)))
    under_way = peak = 0
    for _, change in moves:
        under_way += change
        peak = max(peak, under_way)
    return peak


def _stat(entries: Sequence[Entry], window_s: float) -> Stat:
    admitted = [one for one in entries if one.ending not in {Ending.LIMITED, Ending.REFUSED}]
    answered = [one for one in entries if one.ending is Ending.ANSWERED]
    requests, tokens = most_in_window(admitted, window_s)
    return Stat(
        provider=entries[0].provider,
        key=entries[0].key,
        requests=len(entries),
        admitted=len(admitted),
        limited=sum(one.ending is Ending.LIMITED for one in entries),
        faulted=sum(bool(one.fault) for one in entries),
        answered=len(answered),
        status_429=sum(one.status == 429 for one in entries),  # noqa: PLR2004 - of HTTP
        most_in_window=requests,
        most_tokens_in_window=tokens,
        window_s=window_s,
        peak_concurrency=peak_concurrency(admitted),
        duplicates=duplicates(entries),
        tokens_in=sum(one.tokens_in for one in answered),
        tokens_out=sum(one.tokens_out for one in answered),
        cost=sum(one.cost for one in answered),
    )

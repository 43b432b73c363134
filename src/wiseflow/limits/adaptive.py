"""One key's limits: what is set, told by headers or found; pure, time is an argument.

A 429 (RFC 6585 §4) or 503 with Retry-After (RFC 9110 §10.2.3) pauses the key, not the call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.limits import Allowance, Dimension, Need, RateLimit
from wiseflow.limits.buckets import Bucket
from wiseflow.limits.finding import Finder
from wiseflow.limits.told import MARGIN, Told
from wiseflow.limits.windows import Entry, Window

MINUTE_S = 60.0
# Pauses after refusals that name no time: the first, doubled by each more, at most.
PAUSE_S, MAX_PAUSE_S = 1.0, 60.0
# It is told in whole seconds by most, and what was sent arrived a little later.
LEEWAY_S = 1.0
LATE = 0.01  # of what Retry-After says, as it counts from when the answer was sent
# A known limit that is refused although it was kept: others use the key, or it is not kept by the
# minute. Less is sent, and a little more again each minute (AIMD).
DECREASE, INCREASE, LEAST = 0.9, 0.02, 0.3

WindowKey = tuple[Dimension, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a call may go.

    Args:
        at: in monotonic seconds; infinite when something else has to happen first.
        held_by: what it waits for, in words; "" when it may go now.
    """

    at: float
    held_by: str = ""


@dataclass(slots=True)
class Taken:
    """What one call took of one key's limits."""

    at: float
    need: Need
    entries: dict[WindowKey, Entry] = field(default_factory=dict[WindowKey, Entry])
    marks: dict[WindowKey, float] = field(default_factory=dict[WindowKey, float])
    settled: bool = False


class AdaptiveRateLimiter:
    """All limits of one key at once.

    Args:
        now: when it begins, in monotonic seconds.
        account: the limiter of the whole account, for that of one model, which looks for a limit
            that nobody told only when none is known there either.
    """

    def __init__(self, now: float, *, account: AdaptiveRateLimiter | None = None) -> None:
        self._account = account
        self.windows: dict[WindowKey, Window] = {
            (Dimension.REQUESTS, MINUTE_S): Window(math.inf, MINUTE_S)
        }
        self.rate = RateLimit()
        self.in_flight = 0
        self.paused_until = -math.inf
        self.limits_told: dict[WindowKey, float] = {}
        self._told: dict[WindowKey, Told] = {}
        self._bytes: Bucket | None = None
        self._finder = Finder(now)
        self._refusals = 0
        self._refused_at = -math.inf
        self._urgent_at = [-math.inf for _ in TaskPriority]
        self._used_by_others = 0.0
        self._learnt = math.inf
        self._share = 1.0
        self._share_at = now

    # What is known.

    def set_rate(self, rate: RateLimit, now: float) -> None:
        """Keep to other limits from now on; what was used stays used."""
        self.rate = rate
        if rate.tokens_per_minute is not None:
            self.windows.setdefault((Dimension.TOKENS, MINUTE_S), Window(math.inf, MINUTE_S))
        if rate.bytes_per_s is None:
            self._bytes = None
        elif self._bytes is None:
            self._bytes = Bucket(rate.bytes_per_s)
        else:
            self._bytes.resize(rate.bytes_per_s, now)
        self._resize()

    @property
    def requests_known(self) -> bool:
        """Whether the limit on requests was set or told, here or for the whole account."""
        return (
            self.rate.requests_per_minute is not None
            or any(dimension is Dimension.REQUESTS for dimension, _ in self.limits_told)
            or (self._account is not None and self._account.requests_known)
        )

    def limit_of(self, key: WindowKey) -> tuple[float, str]:
        """A limit, and where it is from: ``set``, ``told``, ``found`` or "" when there is none."""
        known: list[tuple[float, str]] = [(math.inf, "")]
        if (one := self._set_in(key)) is not None:
            known.append((one, "set"))
        if key in self.limits_told:
            known.append((self.limits_told[key], "told"))
        if key == (Dimension.REQUESTS, MINUTE_S) and not self.requests_known:
            known.append((self._finder.limit, "found"))
        return min(known, key=lambda pair: pair[0])

    def _set_in(self, key: WindowKey) -> float | None:
        if key == (Dimension.REQUESTS, MINUTE_S):
            return self.rate.requests_per_minute
        return self.rate.tokens_per_minute if key == (Dimension.TOKENS, MINUTE_S) else None

    def _resize(self) -> None:
        for key, window in self.windows.items():
            limit, source = self.limit_of(key)
            if source in {"set", "told"} and key[0] is Dimension.REQUESTS:
                limit *= self._share
            if limit != window.told_limit:
                window.resize(limit)

    @property
    def found(self) -> float | None:
        """The limit on requests a minute that was found; ``None`` when there is none."""
        finds = not self.requests_known and self._finder.found
        return self._finder.limit if finds else None

    def bytes_owed_s(self, now: float) -> float:
        """In how many seconds all bytes that came are paid."""
        return 0.0 if self._bytes is None else self._bytes.debt_s(now)

    # Asking and taking.

    def asked(self, priority: TaskPriority, now: float) -> None:
        """A call of some urgency is wanted; less urgent ones leave room for a while."""
        self._urgent_at[priority.rank] = now

    def turn(self, need: Need, now: float, priority: TaskPriority = TaskPriority.NORMAL) -> Turn:
        """When a call may go, by all limits at once."""
        self._recover(now)
        at, held_by = max(self._waits(need, now, priority))
        return Turn(at=at, held_by=held_by) if at > now else Turn(at=now)

    def _waits(self, need: Need, now: float, priority: TaskPriority) -> Iterator[tuple[float, str]]:
        """Until when each limit holds a call; pairs, as this is asked several times a call."""
        yield self.paused_until, "a pause the provider asked for"
        most = self.rate.concurrency
        if most is not None and self.in_flight >= most:
            yield math.inf, Dimension.CONCURRENCY.value
        if self._bytes is not None:
            yield self._bytes.when(now), Dimension.BYTES.value
        if not self.requests_known:
            yield self._finder.hold_until, "the search for its limit"
        yields = self._yields(priority, now)
        for key, window in self.windows.items():
            yield self._when(key, window, need, now), key[0].value
            if yields:
                yield window.paced_until, "room for more urgent calls"

    def take(
        self,
        need: Need,
        now: float,
        priority: TaskPriority = TaskPriority.NORMAL,
        *,
        asked_for: bool = True,
    ) -> Taken:
        """Count a call that goes now; only after ``turn`` said so.

        Args:
            need: the most it may take.
            now: the time.
            priority: how urgent it is.
            asked_for: whether it asked for this very key, not for a model of it.
        """
        taken = Taken(at=now, need=need)
        for key, window in self.windows.items():
            taken.entries[key] = window.take(_amount(key[0], need), now)
            taken.marks[key] = window.taken
            if math.isfinite(window.limit) and self._yields(priority, now):
                window.pace(_amount(key[0], need), now)
        if self._bytes is not None:
            self._bytes.book(need.bytes, now)
        if asked_for:
            self._finder.took(self._minute.used(now) + self._used_by_others, now)
        self.in_flight += 1
        return taken

    def _yields(self, priority: TaskPriority, now: float) -> bool:
        """Whether more urgent calls were wanted of late.

        Without them a window may be used up at once, which is the fastest; with them, what is less
        urgent is spread, so that an urgent one never waits for a whole window.
        """
        return any(now - at < MINUTE_S for at in self._urgent_at[: priority.rank])

    @property
    def _minute(self) -> Window:
        return self.windows[Dimension.REQUESTS, MINUTE_S]

    def _when(self, key: WindowKey, window: Window, need: Need, now: float) -> float:
        amount = _amount(key[0], need)
        when = window.when(amount, now)
        told = self._told.get(key)
        if told is None:
            return when
        return max(when, told.when(min(amount, window.limit), window.taken, now))

    # What became of a call.

    def settle(
        self, taken: Taken, used: Need, allowances: tuple[Allowance, ...], now: float
    ) -> None:
        """A call was answered: count what it used, and hear what its headers told."""
        if not taken.settled:
            taken.settled = True
            self._refusals = 0
            self._correct(taken, used, now)
            self._finder.answered(now - taken.at)
        self.hear(allowances, taken.marks, now)

    def refused(
        self,
        taken: Taken,
        retry_after_s: float | None,
        allowances: tuple[Allowance, ...],
        now: float,
        chance: float,
    ) -> float:
        """A call was refused: pause, and send less.

        Args:
            taken: by the call; it is given back, as a provider counts what it accepted.
            retry_after_s: what the provider said, or ``None``.
            allowances: what its headers told.
            now: the time.
            chance: from 0 to 1, drawn evenly, for the jitter.

        Returns:
            For how many seconds from now the key is paused.
        """
        first = taken.at > self._refused_at
        self.unsent(taken, now)
        self.hear(allowances, taken.marks, now)
        if first:
            self._refusals += 1
            self._refused_at = now
        if self.requests_known:
            self._send_less(now, first=first)
        else:
            self._find(taken, retry_after_s, now)
        self.pause(self._pause_s(retry_after_s, chance), now)
        return self.paused_until - now

    def unsent(self, taken: Taken, now: float) -> None:
        """Give back what a call took that was not accepted."""
        if not taken.settled:
            taken.settled = True
            self._give_back(taken, now)

    def hear_of_others(self, used: float, learnt: float | None, now: float) -> None:
        """What all instances used of the requests a minute, and what another one found."""
        self._used_by_others = max(0.0, used - self._minute.used(now))
        if learnt is not None and not self.requests_known and learnt != self._learnt:
            self._learnt = learnt
            self._finder.adopt(learnt, now)
            self._resize()

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for so long; a longer pause stays."""
        self.paused_until = max(self.paused_until, now + seconds)

    def hear(
        self, allowances: tuple[Allowance, ...], marks: Mapping[WindowKey, float], now: float
    ) -> None:
        """Adopt what headers told, on success, too."""
        for news in allowances:
            if news.dimension not in {Dimension.REQUESTS, Dimension.TOKENS}:
                continue
            key = (news.dimension, news.window_s)
            if news.limit is not None and news.limit > 0:
                self.limits_told[key] = news.limit
            if key not in self.windows and (news.limit or news.remaining is not None):
                self.windows[key] = Window(math.inf, news.window_s)
            if news.remaining is not None:
                self._hear_remaining(key, news, marks.get(key), now)
        if allowances:
            self._resize()

    def _hear_remaining(
        self, key: WindowKey, news: Allowance, mark: float | None, now: float
    ) -> None:
        assert news.remaining is not None, "only then it is heard"
        reset_s = news.window_s if news.reset_s is None else news.reset_s
        told = Told(
            remaining=max(0.0, news.remaining),
            mark=self.windows[key].taken if mark is None else mark,
            until=now + reset_s + MARGIN * news.window_s,
        )
        self._told[key] = told.newer(self._told.get(key), now)

    def _correct(self, taken: Taken, used: Need, now: float) -> None:
        for key, entry in taken.entries.items():
            if key[0] is Dimension.TOKENS:
                self.windows[key].settle(entry, taken.need.tokens, used.tokens)
        if self._bytes is not None:
            self._bytes.book(used.bytes - taken.need.bytes, now)

    def _give_back(self, taken: Taken, now: float) -> None:
        for key, entry in taken.entries.items():
            self.windows[key].settle(entry, _amount(key[0], taken.need), 0.0)
        if self._bytes is not None:
            self._bytes.book(-taken.need.bytes, now)

    def _find(self, taken: Taken, retry_after_s: float | None, now: float) -> None:
        ends = retry_after_s if retry_after_s and retry_after_s <= MINUTE_S else 0.0
        accepted = self._minute.used_since(now + ends - MINUTE_S - LEEWAY_S)
        self._finder.refused(taken.at, accepted + self._used_by_others, now)
        self._resize()

    def _pause_s(self, retry_after_s: float | None, chance: float) -> float:
        if retry_after_s is not None:
            return max(0.0, retry_after_s) * (1 + LATE)
        longest = min(PAUSE_S * 2.0 ** min(self._refusals - 1, 10), MAX_PAUSE_S)
        return longest * (1 + chance) / 2

    def _send_less(self, now: float, *, first: bool) -> None:
        if first:
            self._share = max(LEAST, self._share * DECREASE)
            self._share_at = now
            self._resize()

    def _recover(self, now: float) -> None:
        if self._share < 1 and now - self._share_at >= MINUTE_S:
            self._share = min(1.0, self._share + INCREASE)
            self._share_at = now
            self._resize()
        if self._finder.found:
            before = self._finder.limit
            self._finder.tick(now)
            if self._finder.limit != before:
                self._resize()


def _amount(dimension: Dimension, need: Need) -> float:
    return 1.0 if dimension is Dimension.REQUESTS else float(need.tokens)

"""What a task of some kind will take, learned from those that ended, and how good that was."""

from __future__ import annotations

import json
import random
from collections import OrderedDict
from collections.abc import Mapping

from wiseflow.core.statistics import Estimate, PredictionError
from wiseflow.engine.history import FULL, KindHistory
from wiseflow.observability.logs import get_logger

# Each takes some 30 KB, 120 KB where sizes, memory and costs are told too.
MOST_KINDS = 256
# A name of so many characters is still within what PostgreSQL takes into an index, 2,704 bytes.
LONGEST_STORED = 500

_log = get_logger(__name__)


class Predictor:
    """Expects of each kind of task what its past says. To be used from one thread.

    Args:
        most_kinds: how many kinds are known at once, at least 1; the one unused longest is
            forgotten for a new one.
        seed: of what chance decides: which of very many tasks are learned from.
    """

    def __init__(self, *, most_kinds: int = MOST_KINDS, seed: int = 0) -> None:
        self._most = most_kinds
        self._chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._kinds: OrderedDict[str, KindHistory] = OrderedDict()

    def __len__(self) -> int:
        """How many kinds are known."""
        return len(self._kinds)

    def observe(
        self,
        kind: str,
        *,
        duration_s: float,
        failed: bool = False,
        size: float | None = None,
        memory_bytes: float | None = None,
        cost: float | None = None,
    ) -> None:
        """A task ended. Values that cannot be are left out.

        Args:
            kind: of task.
            duration_s: how long it ran; not learned when it failed.
            failed: whether it did.
            size: of its work, in a unit that is the kind's own, or ``None``; one that is not above
                0 counts as unknown.
            memory_bytes: at its peak, or ``None``.
            cost: or ``None``.
        """
        history = self._kinds.get(kind) or self.history(kind)
        told = history.told
        told.append((duration_s, failed, size, memory_bytes, cost))
        if len(told) >= FULL:
            self._kinds.move_to_end(kind)
            history.learn()

    def history(self, kind: str) -> KindHistory:
        """The past of a kind, to tell it of many tasks without looking it up for each.

        It is to be asked for anew now and then: a kind nobody asked for may be forgotten.
        """
        history = self._kinds.get(kind)
        if history is None:
            history = self._kinds[kind] = KindHistory(kind, self._chance)
            if len(self._kinds) > self._most:
                self._kinds.popitem(last=False)
        self._kinds.move_to_end(kind)
        return history

    def estimate(self, kind: str, *, size: float | None = None) -> Estimate | None:
        """What to expect of a task; ``None`` while fewer than ``LEAST_SAMPLES`` completed.

        Args:
            kind: of task.
            size: of its work, or ``None``.
        """
        return self.history(kind).estimate(size) if kind in self._kinds else None

    def error(self, kind: str) -> PredictionError | None:
        """How far expectations were off; ``None`` before there was one."""
        return self.history(kind).error() if kind in self._kinds else None

    def dump(self) -> dict[str, str]:
        """What was learned, as JSON by kind; kinds whose names no database takes are left out."""
        return {
            kind: json.dumps(history.dump(), separators=(",", ":"), allow_nan=False)
            for kind, history in self._kinds.items()
            if len(kind) <= LONGEST_STORED and kind.isprintable()
        }

    def load(self, stored: Mapping[str, str]) -> None:
        """Take what ``dump`` gave instead of what was learned of these kinds.

        What cannot be read is left out, with a warning: the kind is learned anew.
        """
        for kind, text in stored.items():
            history = KindHistory(kind, self._chance)
            try:
                history.load(json.loads(text))
            except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
                _log.warning(
                    "What was learned of a task cannot be read", kind=kind, error=repr(error)
                )
                continue
            self._kinds[kind] = history
            self._kinds.move_to_end(kind)
            if len(self._kinds) > self._most:
                self._kinds.popitem(last=False)

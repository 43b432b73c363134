"""What the engine expects of its tasks, and when it has learnt enough to put them in order anew."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from wiseflow.engine.calls import Expected, TaskRequest
from wiseflow.engine.prediction import Predictor
from wiseflow.engine.sizes import LEAST_S

UNKNOWN = Expected()
# After so many ends of one name what waits is put in order anew, and then at each doubling.
FIRST_LOOK = 8
WORTH_A_LOOK = 1.5
# The predictor knows fewer; what is kept of a name here takes some 200 bytes.
MOST_NAMES = 1_000


@dataclass(slots=True)
class _Name:
    """What is kept of a name: what its requests without a size take, and when to look anew."""

    expected: Expected | None = None
    ends_left: int = FIRST_LOOK
    looks: int = 0


class Expectations:
    """Predictions for requests, quick enough to be asked for each of 100,000 tasks a second.

    Args:
        predictor: learns what tasks take.
        most_names: of so many names predictions are at hand; the one unused longest goes first.
    """

    def __init__(self, predictor: Predictor, most_names: int = MOST_NAMES) -> None:
        self._predictor = predictor
        self._most = most_names
        self._names: OrderedDict[str, _Name] = OrderedDict()

    def of(self, request: TaskRequest) -> Expected:
        """What a request is expected to take."""
        if request.size is not None:
            return self._asked(request.name, request.size)
        known = self._names.get(request.name) or self._known(request.name)
        if known.expected is None:
            known.expected = self._asked(request.name, None)
        return known.expected

    def note(
        self, request: TaskRequest, run_s: float, *, failed: bool, memory_bytes: int | None
    ) -> bool:
        """An attempt ended. Whether what is expected of its name should be looked at anew.

        Args:
            request: whose attempt it was.
            run_s: how long it took, in seconds.
            failed: whether it failed.
            memory_bytes: the most memory its process had, if that is known.
        """
        name = request.name
        self._predictor.observe(
            name, duration_s=run_s, failed=failed, size=request.size, memory_bytes=memory_bytes
        )
        known = self._known(name)
        known.ends_left -= 1
        if known.ends_left:
            return False
        known.looks += 1
        known.ends_left = FIRST_LOOK * 2 ** min(known.looks, 20)
        before, known.expected = known.expected or UNKNOWN, None
        return self._changed(name, before.seconds)

    def _known(self, name: str) -> _Name:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = _Name()
            if len(self._names) > self._most:
                self._names.popitem(last=False)
        self._names.move_to_end(name)
        return known

    def _changed(self, name: str, before_s: float) -> bool:
        """Whether what is expected of a name is so different that waiting ones change places."""
        now_s = self._asked(name, None).seconds
        apart = max(now_s, before_s, LEAST_S) / max(min(now_s, before_s), LEAST_S)
        return apart >= WORTH_A_LOOK

    def _asked(self, name: str, size: float | None) -> Expected:
        estimate = self._predictor.estimate(name, size=size)
        if estimate is None:
            return UNKNOWN
        return Expected(
            estimate.expected_s, int(estimate.memory_bytes or 0), estimate.failure_probability
        )

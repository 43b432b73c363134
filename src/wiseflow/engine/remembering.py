"""What was learnt of tasks outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wiseflow.core.clock import Clock
from wiseflow.core.errors import WiseflowError
from wiseflow.core.ports import StatisticsStore
from wiseflow.engine.prediction import Predictor
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

# What is learnt in a minute is lost when the process is killed.
SAVE_EVERY_S = 60.0
SAVE_TIMEOUT_S = 10.0


@asynccontextmanager
async def remembered(store: StatisticsStore, clock: Clock) -> AsyncGenerator[Predictor]:
    """A predictor that knows what was learnt before; what it learns is kept, now and then.

    That it cannot be read or kept is told in the log and stops nothing.
    """
    predictor = Predictor()
    try:
        predictor.load(await store.load())
    except WiseflowError as error:
        _log.warning("What was learnt of tasks cannot be read", error=str(error))
    kept = _Kept(predictor, store)
    keeping = asyncio.create_task(kept.keep(clock), name="keep what was learnt of tasks")
    try:
        yield predictor
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        await kept.save()


class _Kept:
    def __init__(self, predictor: Predictor, store: StatisticsStore) -> None:
        self._predictor = predictor
        self._store = store
        self._saved = predictor.dump()

    async def keep(self, clock: Clock) -> None:
        while True:
            await clock.sleep(SAVE_EVERY_S)
            await self.save()

    async def save(self) -> None:
        """Keep the kinds that have changed."""
        try:
            await self._save_changed()
        except (WiseflowError, TimeoutError) as error:
            _log.warning("What was learnt of tasks cannot be kept", error=str(error))
        except Exception as error:  # noqa: BLE001 - a boundary: the next save is tried all the same
            _log.error("What was learnt of tasks cannot be kept", exc_info=error)

    async def _save_changed(self) -> None:
        now = self._predictor.dump()
        changed = {kind: text for kind, text in now.items() if self._saved.get(kind) != text}
        if changed:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                await self._store.save(changed)
            self._saved = now

"""An instance's signs of life, for those who look after the service.

Nothing is decided by them: a job is taken over when its lease ends, whatever is told here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from wiseflow.core.clock import Clock
from wiseflow.core.errors import WiseflowError
from wiseflow.core.groups import task_group
from wiseflow.core.instances import InstanceStore, Sign
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

# A dead instance is shown for so long.
KEPT_S = 3600.0
# How long leaving may take: longer than the database's own waits for a lock.
LEAVE_S = 10.0


@asynccontextmanager
async def present(
    store: InstanceStore, sign: Callable[[], Sign], *, every_s: float, clock: Clock
) -> AsyncGenerator[None]:
    """Gives signs of life while the block runs, and says goodbye after it.

    Args:
        store: where they are kept.
        sign: what there is to tell now.
        every_s: between two.
        clock: for the time between.
    """
    async with task_group() as group:
        beating = group.create_task(_beat(store, sign, every_s, clock), name="signs of life")
        try:
            yield
        finally:
            beating.cancel()
            with suppress(WiseflowError, TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await store.leave(sign().name)


async def _beat(
    store: InstanceStore, sign: Callable[[], Sign], every_s: float, clock: Clock
) -> None:
    while True:
        try:
            await store.beat(sign())
            await store.prune(unseen_s=KEPT_S)
        except WiseflowError as error:
            # The next one may come through; nothing depends on it.
            _log.warning("A sign of life could not be given", error=str(error))
        await clock.sleep(every_s)

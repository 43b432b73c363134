"""Whose a key is, read again often enough that a revoked one soon stops.

A key that was found is known for a second, so that many requests of one key are one read. So a key
that another process revoked holds for at most ``KNOWN_S`` more here; one revoked in this process is
forgotten at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from wiseflow.core.clock import Clock
from wiseflow.core.errors import StorageError, Unauthenticated
from wiseflow.core.keys import ApiKey, KeyStore, StoredKey, key_id_of
from wiseflow.observability.logs import Logger

KNOWN_S = 1.0
# How often a key's last use is written down.
TOUCH_S = 60.0
MOST_KNOWN = 10_000
# One text for all that is wrong with a key: an answer tells nothing of which keys there are.
NO_KEY = "this API key is not one of ours, or it is revoked or has expired"
CURE = "Check the key; an administrator makes one with: wiseflow keys create NAME"
_log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    stored: StoredKey
    until: float
    touched_at: float


class KeyRing:
    """Tells whose a key is.

    Args:
        store: of the keys.
        clock: the time.
    """

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._any_until = 0.0
        self._any = False

    async def key(self, text: str) -> ApiKey:
        """The live key that is so written.

        Raises:
            Unauthenticated: it is no key of ours, or holds no more.
            StorageError: the database does not answer.
        """
        stored = await self._stored(key_id_of(text))
        if stored is None or not stored.is_of(text) or not stored.key.live:
            raise Unauthenticated(NO_KEY, cure=CURE)
        await self._touch(stored.key)
        return stored.key

    async def by_id(self, key_id: str) -> ApiKey:
        """The live key of that id, for who has shown it before; raises as ``key``."""
        stored = await self._stored(key_id)
        if stored is None or not stored.key.live:
            raise Unauthenticated(NO_KEY, cure=CURE)
        return stored.key

    async def any_key(self) -> bool:
        """Whether a key was ever made; once one was, that stays so."""
        now = self._clock.monotonic()
        if not self._any and now >= self._any_until:
            self._any = await self._store.any()
            self._any_until = now + KNOWN_S
        return self._any

    def forget(self) -> None:
        """Read everything anew: a key was made, changed or revoked here."""
        self._known.clear()
        self._any_until = 0.0

    async def _stored(self, key_id: str) -> StoredKey | None:
        if not key_id:
            return None
        now = self._clock.monotonic()
        known = self._known.get(key_id)
        if known is not None and now < known.until:
            return known.stored
        stored = await self._store.find(key_id)
        self._known.pop(key_id, None)
        if stored is not None:
            touched_at = known.touched_at if known else -TOUCH_S
            self._known[key_id] = _Known(stored, now + KNOWN_S, touched_at)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return stored

    async def _touch(self, key: ApiKey) -> None:
        now = self._clock.monotonic()
        known = self._known.get(key.key_id)
        if known is None or now - known.touched_at < TOUCH_S:
            return
        # Noted before it is written: of requests at once, one writes.
        self._known[key.key_id] = _Known(known.stored, known.until, now)
        try:
            await self._store.touch(key.key_id)
        except StorageError as error:
            # A full disk is no reason to turn readers away.
            _log.warning("The last use of a key could not be noted", error=str(error))

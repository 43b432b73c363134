"""A synchronous front for scripts: one bridge for any object with asynchronous methods."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import Any


class Synchronous:
    """Calls an object's asynchronous methods and waits for them.

    For scripts without an event loop: ``Synchronous(ResearchConnector()).research("…")``.

    Args:
        target: the object; its other attributes are passed on as they are.
    """

    def __init__(self, target: object) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._target, name)
        if not inspect.iscoroutinefunction(member):
            return member

        @functools.wraps(member)
        def wait(*args: Any, **kwargs: Any) -> Any:
            return asyncio.run(member(*args, **kwargs))

        return wait

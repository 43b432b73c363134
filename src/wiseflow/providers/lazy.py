"""Loads a vendor's library when it is first needed, as importing one takes a second or two."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from wiseflow.core.asking import ChatAnswer, ChatModel, ChatRequest
from wiseflow.core.calls import Reply
from wiseflow.core.errors import ConfigurationError

EXTRA = "models"


class LazyChat:
    """A model whose library is loaded with the first call.

    Args:
        module: of ours, that imports the library.
        make: gives the model, of that module.
        purpose: what needs the library, for the message when it is missing.
    """

    def __init__(self, module: str, make: Callable[[Any], ChatModel], *, purpose: str) -> None:
        self._module = module
        self._make = make
        self._purpose = purpose
        self._chat: ChatModel | None = None

    async def warm(self) -> None:
        """Load the library now. Raises ``ConfigurationError`` when it is not installed."""
        await self._loaded()

    async def complete(
        self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None
    ) -> Reply[ChatAnswer]:
        """The next message.

        Raises:
            CallError: its leaf says what happened.
            ConfigurationError: the library is not installed.
        """
        chat = await self._loaded()
        return await chat.complete(request, on_text=on_text)

    async def _loaded(self) -> ChatModel:
        if self._chat is None:
            # In a thread, so that the loop goes on meanwhile.
            loaded = await asyncio.to_thread(load, self._module, self._purpose)
            self._chat = self._chat or self._make(loaded)
        return self._chat


def load(module: str, purpose: str) -> Any:
    """A module of ours that imports a library that may be missing.

    Raises:
        ConfigurationError: the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{purpose} needs the extra {EXTRA!r}",
            cure=f"Install it: pip install 'wiseflow[{EXTRA}]'",
        ) from error

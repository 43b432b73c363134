"""What of a research may leave this machine."""

from __future__ import annotations

from wiseflow.core.configuration import Configuration
from wiseflow.core.ports import CollectionReader


async def must_stay_here(configuration: Configuration, collections: CollectionReader) -> bool:
    """Whether nothing of a research may be sent away, as it reads a private collection.

    A research on the web reads no collection, whatever the configuration names.
    """
    if configuration.on_web:
        return False
    return await collections.is_private(configuration.collection)

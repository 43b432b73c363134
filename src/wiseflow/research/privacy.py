"""What of a research may leave this machine."""

from __future__ import annotations

from wiseflow.core.configuration import Configuration
from wiseflow.core.ports import CollectionReader


async def must_stay_here(configuration: Configuration, collections: CollectionReader) -> bool:
    """Whether nothing of a research may be sent away, as it reads a private collection.

    A research on the web alone reads no collection, whatever the configuration names.
    """
    if not configuration.in_documents:
        return False
    return await collections.is_private(configuration.collection)

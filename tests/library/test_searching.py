"""Searches that cannot be made say what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.engine.processes import ProcessPool
from wiseflow.library.searching import MOST_QUERY_CHARACTERS, search_collection

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_query_that_is_too_long_is_refused_with_its_cure(
    compute: ProcessPool, data_folder: Path
):
    query = "x" * (MOST_QUERY_CHARACTERS + 1)

    with pytest.raises(InvalidInput, match="100,001 characters, more than 100,000") as raised:
        await search_collection(compute, data_folder=data_folder, collection="c", query=query, k=5)

    assert raised.value.cure.startswith("Search for a shorter text")

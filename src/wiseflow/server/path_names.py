"""Ids and names in paths: what no database or file could hold is refused before anybody asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from wiseflow.core.ids import LENGTH

LONGEST_NAME = 200
PLAIN = r"^[^\x00-\x1f\x7f/]+$"

AnId = Annotated[str, Path(pattern=f"^[0-9a-z]{{1,{LENGTH}}}$", description="An id.")]
IdOrName = Annotated[
    str, Path(min_length=1, max_length=LONGEST_NAME, pattern=PLAIN, description="An id, or a name.")
]
SettingName = Annotated[
    str, Path(max_length=100, pattern="^[0-9A-Za-z_]+$", description="Of a setting.")
]
# Of a list's page before, or of another thing; "" for none.
MaybeId = Annotated[str, Query(pattern=f"^[0-9a-z]{{0,{LENGTH}}}$")]

"""Reads the data sets that benchmarks measure on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wiseflow.core.errors import NotFound


def read_rows(path: Path) -> list[Mapping[str, Any]]:
    """The objects of a JSON Lines file.

    Raises:
        NotFound: there is no such file.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except OSError:
        raise NotFound(
            f"there is no {path}", cure="Give the folder of the evaluation data: --data DIR"
        ) from None

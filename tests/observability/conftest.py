from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wiseflow.observability.logs import close_logging, configure_logging
from wiseflow.observability.options import LogOptions

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Logging is as before when a test ends."""
    yield
    close_logging()


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "wiseflow.log"


@pytest.fixture
def logged(log_file: Path) -> Lines:
    """Logs as JSON to a file of the test's own; the objects written so far."""
    configure_logging(LogOptions(level="DEBUG", format="json", file=log_file, console=False))
    return lambda: [json.loads(line) for line in log_file.read_text("utf-8").splitlines()]

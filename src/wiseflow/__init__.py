"""WiseFlow: many deep-research questions at once, every citation checked against its source.

The public names below are loaded when first used, so that ``import wiseflow`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wiseflow.connector.bridge import Synchronous
    from wiseflow.connector.fronts import config, database, parallel_research_manager
    from wiseflow.connector.manager import (
        ParallelResearchManager,
        ResearchConnector,
        ResearchFailed,
    )
    from wiseflow.core.configuration import (
        Budget,
        Configuration,
        ReportLength,
        ResearchMode,
        SearchAPI,
        TaskPriority,
    )
    from wiseflow.engine.calls import TaskRequest
    from wiseflow.engine.tasks import TaskManager
    from wiseflow.engine.threads import asked_to_stop

__version__ = "0.1.0"

_PLACES = {
    "Budget": "wiseflow.core.configuration",
    "Configuration": "wiseflow.core.configuration",
    "ParallelResearchManager": "wiseflow.connector.manager",
    "ReportLength": "wiseflow.core.configuration",
    "ResearchConnector": "wiseflow.connector.manager",
    "ResearchFailed": "wiseflow.connector.manager",
    "ResearchMode": "wiseflow.core.configuration",
    "SearchAPI": "wiseflow.core.configuration",
    "Synchronous": "wiseflow.connector.bridge",
    "TaskManager": "wiseflow.engine.tasks",
    "TaskPriority": "wiseflow.core.configuration",
    "TaskRequest": "wiseflow.engine.calls",
    "asked_to_stop": "wiseflow.engine.threads",
    "config": "wiseflow.connector.fronts",
    "database": "wiseflow.connector.fronts",
    "parallel_research_manager": "wiseflow.connector.fronts",
}

__all__ = [
    "Budget",
    "Configuration",
    "ParallelResearchManager",
    "ReportLength",
    "ResearchConnector",
    "ResearchFailed",
    "ResearchMode",
    "SearchAPI",
    "Synchronous",
    "TaskManager",
    "TaskPriority",
    "TaskRequest",
    "asked_to_stop",
    "config",
    "database",
    "parallel_research_manager",
]


def __getattr__(name: str) -> Any:
    """A public name, loaded now. Source: PEP 562."""
    if name not in _PLACES:
        raise AttributeError(f"module 'wiseflow' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""WiseFlow: many deep-research questions at once, every citation checked against its source.

The public names below are loaded when first used, so that ``import wiseflow`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wiseflow.core.version import VERSION

if TYPE_CHECKING:
    from wiseflow.client.client import Client
    from wiseflow.connector.asking import Completion
    from wiseflow.connector.bridge import Synchronous
    from wiseflow.connector.engines import task_manager, thread_pool_manager
    from wiseflow.connector.fronts import (
        cache,
        config,
        database,
        llm_manager,
        parallel_research_manager,
    )
    from wiseflow.connector.manager import (
        ParallelResearchManager,
        ResearchConnector,
        ResearchFailed,
    )
    from wiseflow.connector.models import CallMetrics, LLMManager
    from wiseflow.core.configuration import (
        Budget,
        Configuration,
        ReportLength,
        ResearchMode,
        SearchAPI,
        TaskPriority,
    )
    from wiseflow.engine.analysis import MultiDimensionalTaskAnalyzer
    from wiseflow.engine.balancing import AdaptiveLoadBalancer
    from wiseflow.engine.batching import IntelligentBatchOptimizer
    from wiseflow.engine.calls import TaskRequest
    from wiseflow.engine.decomposition import IntelligentTaskDecomposer
    from wiseflow.engine.resources import SmartResourceManager
    from wiseflow.engine.tasks import TaskManager
    from wiseflow.engine.thread_pool import ThreadPoolManager
    from wiseflow.engine.threads import asked_to_stop
    from wiseflow.engine.timeline import Timeline

__version__ = VERSION

_PLACES = {
    "AdaptiveLoadBalancer": "wiseflow.engine.balancing",
    "Budget": "wiseflow.core.configuration",
    "CallMetrics": "wiseflow.connector.models",
    "Client": "wiseflow.client.client",
    "Completion": "wiseflow.connector.asking",
    "Configuration": "wiseflow.core.configuration",
    "IntelligentBatchOptimizer": "wiseflow.engine.batching",
    "IntelligentTaskDecomposer": "wiseflow.engine.decomposition",
    "LLMManager": "wiseflow.connector.models",
    "MultiDimensionalTaskAnalyzer": "wiseflow.engine.analysis",
    "ParallelResearchManager": "wiseflow.connector.manager",
    "ReportLength": "wiseflow.core.configuration",
    "ResearchConnector": "wiseflow.connector.manager",
    "ResearchFailed": "wiseflow.connector.manager",
    "ResearchMode": "wiseflow.core.configuration",
    "SearchAPI": "wiseflow.core.configuration",
    "SmartResourceManager": "wiseflow.engine.resources",
    "Synchronous": "wiseflow.connector.bridge",
    "TaskManager": "wiseflow.engine.tasks",
    "TaskPriority": "wiseflow.core.configuration",
    "TaskRequest": "wiseflow.engine.calls",
    "ThreadPoolManager": "wiseflow.engine.thread_pool",
    "Timeline": "wiseflow.engine.timeline",
    "asked_to_stop": "wiseflow.engine.threads",
    "cache": "wiseflow.connector.fronts",
    "config": "wiseflow.connector.fronts",
    "database": "wiseflow.connector.fronts",
    "llm_manager": "wiseflow.connector.fronts",
    "parallel_research_manager": "wiseflow.connector.fronts",
    "task_manager": "wiseflow.connector.engines",
    "thread_pool_manager": "wiseflow.connector.engines",
}

__all__ = [
    "AdaptiveLoadBalancer",
    "Budget",
    "CallMetrics",
    "Client",
    "Completion",
    "Configuration",
    "IntelligentBatchOptimizer",
    "IntelligentTaskDecomposer",
    "LLMManager",
    "MultiDimensionalTaskAnalyzer",
    "ParallelResearchManager",
    "ReportLength",
    "ResearchConnector",
    "ResearchFailed",
    "ResearchMode",
    "SearchAPI",
    "SmartResourceManager",
    "Synchronous",
    "TaskManager",
    "TaskPriority",
    "TaskRequest",
    "ThreadPoolManager",
    "Timeline",
    "asked_to_stop",
    "cache",
    "config",
    "database",
    "llm_manager",
    "parallel_research_manager",
    "task_manager",
    "thread_pool_manager",
]


def __getattr__(name: str) -> Any:
    """A public name, loaded now. Source: PEP 562."""
    if name not in _PLACES:
        raise AttributeError(f"module 'wiseflow' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

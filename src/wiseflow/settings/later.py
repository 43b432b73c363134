"""Settings of parts that this version does not have yet.

They are known by name and type, so that a file written for the whole program is accepted; nothing
reads them, and ``wiseflow config show`` says so. A row moves to ``model`` with the part that uses
it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from wiseflow.settings.endpoints import endpoint_fields
from wiseflow.settings.setting import About

# Providers that this version cannot ask; those it can are in ``endpoints``.
PROVIDERS = ("NOTION", "FAISS")

Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Backend = Literal["memory", "disk", "redis"]

# Name, YAML place, type, default, help.
_ROWS: tuple[tuple[str, str, Any, Any, str], ...] = (
    ("CACHE_URL", "cache.url", str, "memory://", "Where the cache lies."),
    ("CACHE_TTL", "cache.ttl", Number, 3600, "Seconds an entry holds, where no other says so."),
    ("CACHE_BACKEND", "cache.backend", Backend, "memory", "What keeps the cache."),
    ("ENABLE_SEARCH_CACHE", "cache.enable_search", bool, True, "Whether searches are cached."),
    ("SEARCH_CACHE_TTL", "cache.search_ttl", Number, 3600, "Seconds a cached search holds."),
    ("ENABLE_LLM_CACHE", "cache.enable_llm", bool, True, "Whether model answers are cached."),
    ("LLM_CACHE_TTL", "cache.llm_ttl", Number, 86_400, "Seconds a cached answer holds."),
    ("FAISS_INDEX_TYPE", "faiss.index_type", str, "", "Kind of the vector index."),
    ("FAISS_CACHE_SIZE", "faiss.cache_size", Count, 0, "Entries kept in memory."),
    ("FAISS_NUM_WORKERS", "faiss.num_workers", Count, 0, "Workers of the vector index."),
    ("ENABLE_PARALLEL", "enrichment.enable_parallel", bool, True, "Whether items run in parallel."),
    ("PARALLEL_MAX_WORKERS", "enrichment.max_workers", Count, 5, "Items at once."),
    ("PARALLEL_RATE_LIMIT", "enrichment.rate_limit", Number, 0.1, "Seconds between requests."),
    ("USE_ENHANCED", "enrichment.use_enhanced", bool, True, "Whether the new pipeline is used."),
    ("LOG_DIR", "enrichment.log_dir", str, "logs", "Folder of the enrichment's own log."),
    ("PROMETHEUS_URL", "metrics.prometheus_url", str, "", "The Prometheus a rollout asks."),
    ("FEATURE_FLAG_SERVICE", "flags.service", str, "", "Address of the flag service."),
    ("ENVIRONMENT", "flags.environment", str, "", "Which set of flags holds."),
)


def later_fields() -> dict[str, Any]:
    """The fields of these settings, as ``pydantic.create_model`` takes them."""
    fields: dict[str, Any] = {}
    for name, place, kind, default, text in _ROWS:
        about = About(place=place, help=text, used=False)
        fields[name.lower()] = (Annotated[kind, about], default)
    fields |= endpoint_fields(PROVIDERS, used=False)
    return fields

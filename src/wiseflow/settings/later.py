"""Settings of parts that this version does not have yet.

They are known by name and type, so that a file written for the whole program is accepted; nothing
reads them, and ``wiseflow config show`` says so. A row moves to ``model`` with the part that uses
it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from wiseflow.settings.setting import About

PROVIDERS = (
    "TAVILY",
    "EXA",
    "PERPLEXITY",
    "OPENAI",
    "ANTHROPIC",
    "OLLAMA",
    "TRITON",
    "SEARXNG",
    "ARXIV",
    "PUBMED",
    "OPENALEX",
    "CROSSREF",
    "WIKIPEDIA",
    "DUCKDUCKGO",
    "NOTION",
    "FAISS",
)

Count = Annotated[int, Field(ge=0)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Backend = Literal["memory", "disk", "redis"]
SECRET = SecretStr("")
FALLBACKS = "tavily: perplexity, exa; perplexity: tavily, exa; exa: tavily, perplexity"

# Name, YAML place, type, default, help.
_ROWS: tuple[tuple[str, str, Any, Any, str], ...] = (
    ("LLM_API_KEY", "llm.api_key", SecretStr, SECRET, "Key of the model endpoint."),
    (
        "LLM_API_BASE",
        "llm.api_base",
        str,
        "https://api.openai.com/v1",
        "Address of the model endpoint.",
    ),
    ("PRIMARY_MODEL", "llm.primary_model", str, "gpt-4", "The model that is asked first."),
    ("SECONDARY_MODEL", "llm.secondary_model", str, "", "The model asked when the first fails."),
    ("OLLAMA_NUM_PARALLEL", "ollama.num_parallel", Count, 0, "Parallel requests to Ollama."),
    ("OLLAMA_NUM_THREAD", "ollama.num_thread", Count, 0, "Threads of one Ollama request."),
    ("OLLAMA_KEEP_ALIVE", "ollama.keep_alive", str, "", "How long Ollama keeps a model loaded."),
    ("RETRY_DELAY", "task_management.retry_delay", Number, 5, "Seconds before a retry."),
    ("RETRY_ATTEMPTS", "task_management.retry_attempts", Count, 3, "Attempts of one call."),
    ("API_TIMEOUT", "task_management.api_timeout", Number, 60, "Seconds one call may take."),
    (
        "MAX_CONCURRENT_DOWNLOADS",
        "resources.max_concurrent_downloads",
        Count,
        10,
        "Downloads at once.",
    ),
    (
        "DOWNLOAD_RATE_LIMIT",
        "resources.download_rate_limit",
        Count,
        5_242_880,
        "Bytes per second of all downloads.",
    ),
    ("TAVILY_RATE_LIMIT", "tavily.rate_limit", Number, 10, "Requests a minute to Tavily."),
    ("PERPLEXITY_RATE_LIMIT", "perplexity.rate_limit", Number, 5, "Requests a minute."),
    ("EXA_RATE_LIMIT", "exa.rate_limit", Number, 20, "Requests a minute to Exa."),
    (
        "SEARCH_API_FALLBACKS",
        "search.fallbacks",
        str,
        FALLBACKS,
        "Which providers stand in for one that fails.",
    ),
    (
        "FETCH_ALLOWED_NETWORKS",
        "fetch.allowed_networks",
        str,
        "",
        "Private networks (CIDR) that pages may be fetched from.",
    ),
    ("HTTPS_PROXY", "", str, "", "The proxy for requests to the outside."),
    ("NO_PROXY", "", str, "", "Hosts that are reached without the proxy."),
    ("CACHE_URL", "cache.url", str, "memory://", "Where the cache lies."),
    ("CACHE_TTL", "cache.ttl", Number, 3600, "Seconds an entry holds, where no other says so."),
    ("CACHE_BACKEND", "cache.backend", Backend, "memory", "What keeps the cache."),
    ("ENABLE_SEARCH_CACHE", "cache.enable_search", bool, True, "Whether searches are cached."),
    ("SEARCH_CACHE_TTL", "cache.search_ttl", Number, 3600, "Seconds a cached search holds."),
    ("ENABLE_LLM_CACHE", "cache.enable_llm", bool, True, "Whether model answers are cached."),
    ("LLM_CACHE_TTL", "cache.llm_ttl", Number, 86_400, "Seconds a cached answer holds."),
    ("REDIS_HOST", "redis.host", str, "localhost", "Host of Redis."),
    ("REDIS_PORT", "redis.port", Port, 6379, "Port of Redis."),
    ("REDIS_DB", "redis.db", Count, 0, "Number of the Redis database."),
    ("REDIS_PASSWORD", "redis.password", SecretStr, SECRET, "Password of Redis."),
    ("FAISS_INDEX_TYPE", "faiss.index_type", str, "", "Kind of the vector index."),
    ("FAISS_CACHE_SIZE", "faiss.cache_size", Count, 0, "Entries kept in memory."),
    ("FAISS_NUM_WORKERS", "faiss.num_workers", Count, 0, "Workers of the vector index."),
    ("ENABLE_PARALLEL", "enrichment.enable_parallel", bool, True, "Whether items run in parallel."),
    ("PARALLEL_MAX_WORKERS", "enrichment.max_workers", Count, 5, "Items at once."),
    ("PARALLEL_RATE_LIMIT", "enrichment.rate_limit", Number, 0.1, "Seconds between requests."),
    ("USE_ENHANCED", "enrichment.use_enhanced", bool, True, "Whether the new pipeline is used."),
    ("LOG_DIR", "enrichment.log_dir", str, "logs", "Folder of the enrichment's own log."),
    ("ENABLE_METRICS", "metrics.enabled", bool, True, "Whether metrics are served."),
    ("METRICS_PORT", "metrics.port", Port, 9090, "Port of the metrics."),
    ("METRICS_PATH", "metrics.path", str, "/metrics", "Path of the metrics."),
    ("PROMETHEUS_URL", "metrics.prometheus_url", str, "", "The Prometheus a rollout asks."),
    ("WISEFLOW_SECRET_KEY", "", SecretStr, SECRET, "Encrypts secrets at rest."),
    ("FEATURE_FLAG_SERVICE", "flags.service", str, "", "Address of the flag service."),
    ("ENVIRONMENT", "flags.environment", str, "", "Which set of flags holds."),
)


def later_fields() -> dict[str, Any]:
    """The fields of these settings, as ``pydantic.create_model`` takes them."""
    fields: dict[str, Any] = {}
    for name, place, kind, default, text in (*_ROWS, *_provider_rows()):
        about = About(place=place, help=text, used=False)
        fields[name.lower()] = (Annotated[kind, about], default)
    return fields


def _provider_rows() -> list[tuple[str, str, Any, Any, str]]:
    return [
        row
        for name in PROVIDERS
        for row in (
            (
                f"{name}_API_KEY",
                f"{name.lower()}.api_key",
                SecretStr,
                SECRET,
                f"Key for {name.title()}.",
            ),
            (
                f"{name}_API_BASE",
                f"{name.lower()}.api_base",
                str,
                "",
                f"Address of {name.title()}, in place of its own.",
            ),
        )
    ]

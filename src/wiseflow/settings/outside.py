"""The settings of what is asked outside: models, search providers, pages, and their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from wiseflow.settings.setting import About

FALLBACKS = "tavily: perplexity, exa; perplexity: tavily, exa; exa: tavily, perplexity"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _port_of_address(value: object) -> object:
    """Kubernetes names the port of a service ``redis`` so: ``REDIS_PORT=tcp://10.0.0.1:6379``."""
    return value.rpartition(":")[2] if isinstance(value, str) and "://" in value else value


RequestsPerMinute = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Outside(BaseModel):
    """Settings of calls to the outside; a part of ``Settings``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    llm_api_key: Annotated[
        SecretStr,
        About(
            place="llm.api_key",
            help="Key of the model endpoint. With it, or with an address of another endpoint, "
            "reports are written by a model.",
        ),
    ] = SecretStr("")
    llm_api_base: Annotated[
        str,
        About(
            place="llm.api_base",
            help="Address of the model endpoint: any that speaks as OpenAI's does.",
        ),
    ] = "https://api.openai.com/v1"
    primary_model: Annotated[
        str,
        About(
            place="llm.primary_model",
            help="The model that is asked first: a name at the model endpoint, or "
            "`provider:model`.",
        ),
    ] = "gpt-4"
    secondary_model: Annotated[
        str,
        About(
            place="llm.secondary_model",
            help="The model asked when the first fails, written as PRIMARY_MODEL is.",
        ),
    ] = ""
    model_fallbacks: Annotated[
        str,
        About(
            place="llm.fallbacks",
            help="Which models stand in for one that fails, as `openai:gpt-4o: anthropic:NAME, "
            "ollama:NAME; …`. SECONDARY_MODEL stands in for PRIMARY_MODEL without being named.",
        ),
    ] = ""
    model_facts: Annotated[
        str,
        About(
            place="llm.facts",
            help="A TOML file with prices and context lengths of models, which goes before the "
            "program's own.",
            expects="the path of a file",
        ),
    ] = ""
    ollama_num_parallel: Annotated[
        int,
        Field(ge=0, le=1024),
        About(
            place="ollama.num_parallel",
            help="How many requests Ollama answers at once; 0 leaves it to be found.",
        ),
    ] = 0
    ollama_num_thread: Annotated[
        int,
        Field(ge=0, le=1024),
        About(
            place="ollama.num_thread",
            help="How many threads Ollama uses for a request; 0 leaves it to Ollama.",
        ),
    ] = 0
    ollama_keep_alive: Annotated[
        str,
        About(
            place="ollama.keep_alive",
            help="How long Ollama keeps a model loaded, for instance `10m`; Ollama's own "
            "default when empty.",
        ),
    ] = ""
    retry_attempts: Annotated[
        int,
        Field(ge=1, le=100),
        About(
            place="task_management.retry_attempts",
            help="How many times one call is sent before another provider is asked, or it fails.",
        ),
    ] = 3
    retry_delay: Annotated[
        float,
        Field(ge=0, le=3600, allow_inf_nan=False),
        About(
            place="task_management.retry_delay",
            help="The most seconds before the first retry; it doubles with each, and each wait is "
            "drawn at random below it, so that retries do not come all at once.",
        ),
    ] = 5
    api_timeout: Annotated[
        float,
        Field(gt=0, le=86_400, allow_inf_nan=False),
        About(
            place="task_management.api_timeout",
            help="How many seconds one call may take; waiting for its turn does not count.",
        ),
    ] = 60
    provider_outage_wait: Annotated[
        float,
        Field(ge=0, le=86_400, allow_inf_nan=False),
        About(
            place="task_management.provider_outage_wait",
            help="How many seconds a call waits for a provider that is down and has no other to "
            "stand in for it; 0 fails it at once.",
        ),
    ] = 300
    max_concurrent_downloads: Annotated[
        int,
        Field(ge=1, le=10_000),
        About(
            place="resources.max_concurrent_downloads", help="How many pages are fetched at once."
        ),
    ] = 10
    download_rate_limit: Annotated[
        int,
        Field(ge=1),
        About(
            place="resources.download_rate_limit",
            help="How many bytes a second all fetches together may take.",
        ),
    ] = 5_242_880
    tavily_rate_limit: Annotated[
        RequestsPerMinute, About(place="tavily.rate_limit", help="Requests a minute to Tavily.")
    ] = 10
    perplexity_rate_limit: Annotated[
        RequestsPerMinute,
        About(place="perplexity.rate_limit", help="Requests a minute to Perplexity."),
    ] = 5
    exa_rate_limit: Annotated[
        RequestsPerMinute, About(place="exa.rate_limit", help="Requests a minute to Exa.")
    ] = 20
    arxiv_rate_limit: Annotated[
        RequestsPerMinute,
        About(
            place="arxiv.rate_limit", help="Requests a minute to arXiv, whose terms allow no more."
        ),
    ] = 20
    pubmed_rate_limit: Annotated[
        RequestsPerMinute,
        About(place="pubmed.rate_limit", help="Searches a minute in PubMed, of two requests each."),
    ] = 60
    openalex_rate_limit: Annotated[
        RequestsPerMinute, About(place="openalex.rate_limit", help="Requests a minute to OpenAlex.")
    ] = 600
    crossref_rate_limit: Annotated[
        RequestsPerMinute,
        About(
            place="crossref.rate_limit",
            help="Requests a minute to Crossref; with CONTACT_EMAIL it allows 180.",
        ),
    ] = 60
    wikipedia_rate_limit: Annotated[
        RequestsPerMinute,
        About(place="wikipedia.rate_limit", help="Requests a minute to Wikipedia."),
    ] = 60
    duckduckgo_rate_limit: Annotated[
        RequestsPerMinute,
        About(place="duckduckgo.rate_limit", help="Requests a minute to DuckDuckGo."),
    ] = 30
    contact_email: Annotated[
        str,
        Field(pattern="^[!-~]*$"),  # it goes into headers
        About(
            place="search.contact_email",
            help="A mail address that is told to Crossref, OpenAlex, PubMed and Wikipedia with "
            "each search, so that they can write before they block; Crossref then answers more "
            "often. None is told when empty.",
            expects="a mail address",
        ),
    ] = ""
    rate_limits: Annotated[
        str,
        About(
            place="limits.rates",
            help="Limits of other providers and of models, as `llm: requests_per_minute=500, "
            "tokens_per_minute=30000; ollama:llama3: concurrency=2`. What is not named is taken "
            "from the provider's headers, or found.",
        ),
    ] = ""
    limit_store: Annotated[
        Literal["auto", "memory", "database", "redis"],
        BeforeValidator(_lower),
        About(
            place="limits.store",
            help="Where processes share their limits: `memory` is this process alone, `auto` is "
            "the database where it is PostgreSQL, else memory.",
        ),
    ] = "auto"
    search_api_fallbacks: Annotated[
        str, About(place="search.fallbacks", help="Which providers stand in for one that fails.")
    ] = FALLBACKS
    fetch_allowed_networks: Annotated[
        str,
        About(
            place="fetch.allowed_networks",
            help="Private networks (CIDR, with commas between) that pages may be fetched from.",
        ),
    ] = ""
    fetch_robots: Annotated[
        bool,
        About(
            place="fetch.robots",
            help="Whether robots.txt is heeded when pages are fetched; `false` is for hosts of "
            "your own.",
        ),
    ] = True
    fetch_host_connections: Annotated[
        int,
        Field(ge=1, le=1000),
        About(
            place="fetch.host_connections",
            help="Pages fetched at once from one host on the public internet, by one process.",
        ),
    ] = 4
    fetch_host_gap: Annotated[
        float,
        Field(ge=0, le=60),
        About(
            place="fetch.host_gap",
            help="Seconds at least between two requests to one host on the public internet; a host "
            "whose robots.txt asks for more is given up to ten.",
        ),
    ] = 0
    fetch_host_wait: Annotated[
        float,
        Field(gt=0, le=3600),
        About(
            place="fetch.host_wait",
            help="Seconds that a page waits for its turn at its host; then another page is taken.",
        ),
    ] = 30
    https_proxy: Annotated[str, About(place="", help="The proxy for requests to the outside.")] = ""
    no_proxy: Annotated[str, About(place="", help="Hosts that are reached without the proxy.")] = ""
    ssl_cert_file: Annotated[
        str,
        About(
            place="",
            help="Certificate authorities to trust besides the system's own, as a PEM file.",
            expects="the path of a file",
        ),
    ] = ""
    redis_host: Annotated[
        str, About(place="redis.host", help="Host of Redis, for LIMIT_STORE=redis.")
    ] = "localhost"
    redis_port: Annotated[
        int,
        BeforeValidator(_port_of_address),
        Field(ge=1, le=65_535),
        About(place="redis.port", help="Port of Redis."),
    ] = 6379
    redis_db: Annotated[
        int, Field(ge=0), About(place="redis.db", help="Number of the Redis database.")
    ] = 0
    redis_password: Annotated[
        SecretStr, About(place="redis.password", help="Password of Redis.")
    ] = SecretStr("")

"""Where providers are asked, as the settings say it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

from wiseflow.core.calls import CallKind
from wiseflow.core.errors import ConfigurationError, InvalidInput
from wiseflow.core.limits import Dimension, RateLimit
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.network import Network
from wiseflow.providers.politeness import Manners
from wiseflow.providers.registry import Registry
from wiseflow.settings.model import Settings

# The model endpoint that LLM_API_KEY and LLM_API_BASE set.
GENERIC = "llm"
_DIMENSIONS = tuple(dimension.value for dimension in Dimension)


def network_of(settings: Settings) -> Network:
    """How requests go out. Raises ``ConfigurationError``."""
    allowed = (part.strip() for part in settings.fetch_allowed_networks.split(","))
    return Network(
        proxy=settings.https_proxy,
        no_proxy=settings.no_proxy,
        local_only=settings.local_only,
        allowed_networks=tuple(filter(None, allowed)),
        ca_file=settings.ssl_cert_file,
    )


def manners_of(settings: Settings) -> Manners:
    """How hosts of pages are treated."""
    return Manners(
        robots=settings.fetch_robots,
        connections=settings.fetch_host_connections,
        gap_s=settings.fetch_host_gap,
        longest_wait_s=settings.fetch_host_wait,
    )


def endpoints_of(settings: Settings, registry: Registry) -> Callable[[str], Endpoint]:
    """Gives the endpoint of a provider by its name.

    It raises ``InvalidInput`` when there is no such provider, and ``ConfigurationError`` when its
    settings are wrong.
    """

    def endpoint(name: str) -> Endpoint:
        if name == GENERIC:
            return registry.endpoint(
                name,
                api_key=settings.llm_api_key.get_secret_value(),
                base_url=settings.llm_api_base,
                settings="LLM",
            )
        options: dict[str, object] = {"contact": settings.contact_email or None}
        if name == "ollama":
            options = {
                "num_thread": settings.ollama_num_thread or None,
                "keep_alive": settings.ollama_keep_alive or None,
            }
        return registry.endpoint(
            name,
            api_key=settings.provider_key(name),
            base_url=settings.provider_base(name),
            options=options,
        )

    return endpoint


def rates_of(settings: Settings) -> dict[tuple[str, str], RateLimit]:
    """The limits that are set, by provider and model; "" is all of its models together.

    Raises:
        ConfigurationError: RATE_LIMITS cannot be read.
    """
    rates = {
        (name, ""): RateLimit(requests_per_minute=rate)
        for name, rate in (
            ("tavily", settings.tavily_rate_limit),
            ("perplexity", settings.perplexity_rate_limit),
            ("exa", settings.exa_rate_limit),
            ("pubmed", settings.pubmed_rate_limit),
            ("openalex", settings.openalex_rate_limit),
            ("crossref", settings.crossref_rate_limit),
            ("wikipedia", settings.wikipedia_rate_limit),
            ("duckduckgo", settings.duckduckgo_rate_limit),
        )
    }
    rates["arxiv", ""] = RateLimit(
        requests_per_minute=settings.arxiv_rate_limit,
        # Its terms want a single connection; another address has terms of its own.
        concurrency=None if settings.provider_base("arxiv") else 1,
    )
    if settings.ollama_num_parallel:
        rates["ollama", ""] = RateLimit(concurrency=settings.ollama_num_parallel)
    for part in filter(None, (part.strip() for part in settings.rate_limits.split(";"))):
        name, _, told = part.partition(": ")
        provider, _, model = name.strip().partition(":")
        rates[provider, model] = _read_rate(part, told)
        check_names([provider], "RATE_LIMITS")
    return rates


def check_names(names: Iterable[str], setting: str, kind: CallKind | None = None) -> None:
    """Refuse names of providers that are not installed, as what they were named for never happens.

    Args:
        names: of providers, or of models with their provider.
        setting: where they stand, for the message.
        kind: what they are to be asked for; ``None`` for whatever they can.

    Raises:
        ConfigurationError: one is not known, or cannot be asked for that.
    """
    registry = Registry()
    for name in names:
        provider = name.partition(":")[0]
        try:
            kinds = registry.spec(provider).kinds
        except InvalidInput as error:
            raise ConfigurationError(
                f"{setting} names {name!r}, and {error.message}", cure=error.cure
            ) from None
        if kind is not None and kind not in kinds:
            able = ", ".join(spec.name for spec in registry.specs(kind))
            raise ConfigurationError(
                f"{setting} names {name!r}, and {provider} cannot be asked for that",
                cure=f"Take one of: {able}",
            )


def check_stand_ins(named: Mapping[str, Iterable[str]], setting: str, kind: CallKind) -> None:
    """Refuse stand-ins that nobody knows. Raises ``ConfigurationError``."""
    for name, others in named.items():
        check_names((name, *others), setting, kind)


def _read_rate(part: str, told: str) -> RateLimit:
    values: dict[str, float] = {}
    for item in told.split(","):
        name, _, number = item.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError:
            values[""] = 0.0
    if not values.keys() <= set(_DIMENSIONS) or not all(value > 0 for value in values.values()):
        raise ConfigurationError(
            f"RATE_LIMITS has a part that cannot be read: {part!r}",
            cure=f"Write NAME: LIMIT=NUMBER, with a number above 0 for {', '.join(_DIMENSIONS)}",
        )
    slots = values.get(Dimension.CONCURRENCY)
    return RateLimit(
        requests_per_minute=values.get(Dimension.REQUESTS),
        tokens_per_minute=values.get(Dimension.TOKENS),
        concurrency=None if slots is None else max(1, int(slots)),
        bytes_per_s=values.get(Dimension.BYTES),
    )


def default_model(settings: Settings) -> str:
    """The model that writes when nobody names one, as ``provider:model``; "" for none.

    A model endpoint counts as set up with a key or with an address of its own.
    """
    named = settings.primary_model
    if names_provider(named):
        return named
    elsewhere = settings.origin("LLM_API_BASE") != "default"
    if settings.llm_api_key.get_secret_value() or elsewhere:
        return f"{GENERIC}:{named}"
    if settings.origin("PRIMARY_MODEL") != "default" and settings.provider_key("openai"):
        return f"openai:{named}"
    return ""


def unknown_provider(named: str) -> ConfigurationError:
    """The error of a PRIMARY_MODEL that begins with no provider's name, and that nobody has."""
    provider, names = named.partition(":")[0], Registry().names
    near = difflib.get_close_matches(provider.lower(), names, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return ConfigurationError(
        f"PRIMARY_MODEL names {named!r}: there is no provider {provider!r}, and no Ollama has it",
        cure=f"{meant}Set PRIMARY_MODEL to provider:model; known are: {', '.join(names)}",
    )


def names_provider(model: str) -> bool:
    """Whether a model is written with its provider, which is a name that is installed."""
    provider, colon, name = model.partition(":")
    return bool(colon and name) and provider in Registry().names


def model_stand_ins(
    settings: Settings, named: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The stand-ins of models, SECONDARY_MODEL among them."""
    second, first = settings.secondary_model, default_model(settings)
    if not second or not first:
        return named
    if not names_provider(second):
        second = f"{first.partition(':')[0]}:{second}"
    return {first: (second,), **named}

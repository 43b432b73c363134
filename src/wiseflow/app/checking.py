"""What would be asked outside, for what, at which address, and whether it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wiseflow.app.endpoints import model_stand_ins
from wiseflow.app.outside import Outside, model_to_use, open_outside
from wiseflow.core.calls import Usage
from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import WiseflowError
from wiseflow.gateway.fronts import split_model
from wiseflow.gateway.stand_ins import read_stand_ins
from wiseflow.limits.door import Limiter
from wiseflow.settings.model import Settings

SEARCHES = ("tavily", "exa", "perplexity", "searxng")
# They need nothing to be set, so they are asked only where they are named.
OPEN_SOURCES = ("arxiv", "pubmed", "openalex", "crossref", "wikipedia", "duckduckgo")
ON_REQUEST = "searching, when named"
WRITING, WRITING_INSTEAD, SEARCHING = "writing", "writing, when others fail", "searching the web"
MODEL_PROVIDERS = ("openai", "anthropic")
ONE_OF_EACH = Usage(input_tokens=1, output_tokens=1)
PRICE_CURE = "MODEL_FACTS can tell it"
EMBEDDED = "the embedded author (no model is used)"
OWN_DOCUMENTS = "your own documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing that would be asked.

    Args:
        purpose: what for.
        who: the provider, or the provider and its model.
        address: scheme, host and port; "" when nothing is sent.
        works: whether it took its key, and has the model.
        detail: what it said, in a sentence.
        cure: what to do about it, when it does not work.
        asked: whether it was asked now; else it is only told what it is.
    """

    purpose: str
    who: str
    address: str = ""
    works: bool = True
    detail: str = ""
    cure: str = ""
    asked: bool = True


async def check_outside(settings: Settings) -> list[Checked]:
    """What would be used, each asked for the cheapest thing that shows whether it works.

    Raises:
        ConfigurationError: a setting cannot be read.
    """
    clock = SystemClock()
    async with open_outside(settings, clock, Limiter(clock=clock)) as outside:
        found = [await _model(outside, *named) for named in await _models(settings)]
        found = found or [Checked(purpose=WRITING, who=EMBEDDED, detail=_left_out(settings))]
        found += [
            await _provider(outside, SEARCHING, name, name)
            for name in searches_set_up(settings, outside)
        ]
        found.append(Checked(purpose="searching", who=OWN_DOCUMENTS))
        return [*found, *[await _open_source(settings, outside, name) for name in OPEN_SOURCES]]


def searches_set_up(settings: Settings, outside: Outside) -> list[str]:
    """The search providers that have what they need, the first of them the one to use."""
    return [
        name
        for name in SEARCHES
        if (settings.provider_key(name) or settings.provider_base(name))
        and outside.directory.usable(name)
    ]


async def _open_source(settings: Settings, outside: Outside, name: str) -> Checked:
    """One that needs no key. Nobody is asked for whom nothing is set: it may never be used."""
    about = outside.directory.about(name)
    if settings.provider_key(name) or settings.provider_base(name):
        tested = await _provider(outside, ON_REQUEST, name, name)
        return replace(tested, detail="; ".join(filter(None, (tested.detail, about))))
    address = outside.directory.endpoint(name).address
    return Checked(purpose=ON_REQUEST, who=name, address=address, detail=about, asked=False)


async def _models(settings: Settings) -> Sequence[tuple[str, str]]:
    first = await model_to_use(settings)
    if not first:
        return ()
    named = read_stand_ins(settings.model_fallbacks, "MODEL_FALLBACKS")
    others = model_stand_ins(settings, named).get(first, ())
    return ((WRITING, first), *((WRITING_INSTEAD, other) for other in others))


async def _model(outside: Outside, purpose: str, name: str) -> Checked:
    provider, model = split_model(name)
    return await _provider(outside, purpose, name, provider, model)


async def _provider(
    outside: Outside, purpose: str, who: str, provider: str, model: str = ""
) -> Checked:
    address = ""
    try:
        address = outside.directory.endpoint(provider).address
        tested = await outside.directory.test_key(provider)
    except WiseflowError as error:
        return Checked(
            purpose=purpose, who=who, address=address, works=False,
            detail=error.message, cure=error.cure,
        )  # fmt: skip
    if tested.valid and model and tested.models and not _has(tested.models, model):
        return Checked(
            purpose=purpose, who=who, address=address, works=False,
            detail=f"it has no model {model}", cure=_known(tested.models),
        )  # fmt: skip
    told = [tested.detail, tested.remaining and f"left: {tested.remaining}"]
    if tested.valid and model and outside.pricing.of_model(provider, model, ONE_OF_EACH) is None:
        told.append(f"its price is not known, nor then what a research costs ({PRICE_CURE})")
    return Checked(
        purpose=purpose, who=who, address=address, works=tested.valid,
        detail="; ".join(filter(None, told)),
    )  # fmt: skip


def _left_out(settings: Settings) -> str:
    """Which keys of providers of models are set, though no model of theirs is named."""
    keys = [name for name in MODEL_PROVIDERS if settings.provider_key(name)]
    return "; ".join(
        f"{name.upper()}_API_KEY is set: with PRIMARY_MODEL={name}:MODEL it writes" for name in keys
    )


def _has(models: Sequence[str], model: str) -> bool:
    return model in models or f"{model}:latest" in models


def _known(models: Sequence[str]) -> str:
    more = ", …" if len(models) > 5 else ""  # noqa: PLR2004 - a line's worth
    return f"Set PRIMARY_MODEL to one of: {', '.join(sorted(models)[:5])}{more}"

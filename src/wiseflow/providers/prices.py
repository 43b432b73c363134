"""Prices and contexts of the library genai-prices. To import this takes a quarter of a second.

Source: https://github.com/pydantic/genai-prices (MIT), its data as installed; nothing is fetched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from wiseflow.providers.model_facts import ModelFacts, PriceStep

SOURCE: Final = f"genai-prices {version('genai-prices')}"
# Providers of ours that it knows by the same name; others are known by their addresses only, as
# the same model has another price elsewhere.
NAMES: Final = frozenset({"openai", "anthropic"})


def listed(provider: str, model: str, base_url: str, *, now: float) -> ModelFacts | None:
    """What the library knows of a model; ``None`` when it does not know it.

    Args:
        provider: its name.
        model: as the provider calls it.
        base_url: where it is asked; "" for the provider's own address.
        now: seconds since the Unix epoch.
    """
    info = _found(provider, model, base_url)
    if info is None:
        return None
    price = info.get_prices(datetime.fromtimestamp(now, UTC))
    return _facts(info, price)


def _found(provider: str, model: str, base_url: str) -> ModelInfo | None:
    known_name = provider if provider in NAMES else None
    if not base_url and known_name is None:
        return None
    try:
        _, info = get_snapshot().find_provider_model(
            model, None, known_name, None if known_name else base_url
        )
    except LookupError:
        return None
    return info


def _facts(info: ModelInfo, price: ModelPrice) -> ModelFacts:
    # A model for vectors has no price for what it gives, as it gives no tokens.
    price_in = getattr(price, "input_mtok", None)
    price_out = getattr(price, "output_mtok", None)
    starts = sorted({start for one in (price_in, price_out) for start in _starts(one)})
    steps = [(start, _at(price_in, start), _at(price_out, start)) for start in starts]
    return ModelFacts(
        context_tokens=info.context_window,
        input_price=_at(price_in, 0),
        output_price=_at(price_out, 0),
        steps=tuple(
            PriceStep(above=start, input_price=more_in, output_price=more_out)
            for start, more_in, more_out in steps
            if more_in is not None and more_out is not None
        ),
        source=SOURCE,
    )


def _starts(price: object) -> list[int]:
    return [tier.start for tier in price.tiers] if isinstance(price, TieredPrices) else []


def _at(price: object, start: int) -> float | None:
    """The price from so many tokens on."""
    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if tier.start <= start]
        return float(reached[-1] if reached else price.base)
    return None if price is None else float(str(price))

"""What a research will need outside this machine, and what that may cost, before it begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wiseflow.app.researches import roles_of
from wiseflow.core.calls import Usage
from wiseflow.core.configuration import Configuration
from wiseflow.gateway.fronts import split_model
from wiseflow.gateway.pricing import SEARCH_PRICES, Pricing
from wiseflow.research.modelled.expecting import Expected, expected_calls, expected_searches


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one research will need when nothing has to be asked again.

    Args:
        calls: to models and search providers, about.
        tokens: of models, in and out, about.
        cost: the most it may come to, in US dollars; ``None`` when a price is not known.
        unpriced: who has no known price.
    """

    calls: int
    tokens: int
    cost: float | None
    unpriced: tuple[str, ...] = ()


def forecast(configuration: Configuration, pricing: Pricing) -> Forecast:
    """What one research of this configuration will need.

    A number of sections is the most a planner may give, and an answer as long as it may be.
    """
    roles = roles_of(configuration)
    calls = expected_calls(configuration) if roles else []
    searches = expected_searches(configuration)
    prices: list[tuple[str, float | None]] = []
    if roles is not None:
        for call in calls:
            model = roles.of(call.role)
            prices.append((model, _price(model, call, pricing)))
    for provider, count in searches.items():
        price = SEARCH_PRICES.get(provider)
        prices.append((provider, None if price is None else count * price))
    return Forecast(
        calls=len(calls) + sum(searches.values()),
        tokens=sum(call.input_tokens + call.output_tokens // 2 for call in calls),
        cost=_sum(price for _, price in prices),
        unpriced=tuple(dict.fromkeys(who for who, price in prices if price is None)),
    )


def _price(model: str, call: Expected, pricing: Pricing) -> float | None:
    used = Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens)
    return pricing.of_model(*split_model(model), used)


def _sum(prices: Iterable[float | None]) -> float | None:
    total = 0.0
    for price in prices:
        if price is None:
            return None
        total += price
    return total

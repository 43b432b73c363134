"""What is known of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wiseflow.core.calls import Usage

PER_TOKENS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """What holds for the whole of a call with more tokens in than ``above``.

    Args:
        above: tokens in.
        input_price, output_price: in US dollars for a million tokens.
    """

    above: int
    input_price: float
    output_price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model; ``None`` is not known.

    Args:
        context_tokens: of the prompt and, for most models, the answer together.
        max_output_tokens: of an answer, thoughts included.
        input_price, output_price: in US dollars for a million tokens.
        steps: what long prompts cost instead, the shortest first.
        as_of: when the price was looked up, as an ISO date; "" when not known.
        source: where the price is from.
    """

    context_tokens: int | None = None
    max_output_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    steps: tuple[PriceStep, ...] = ()
    as_of: str = ""
    source: str = ""

    def cost(self, usage: Usage) -> float | None:
        """What a call costs, in US dollars; ``None`` when a price is not known.

        Cached input, which is cheaper, is counted as the rest: it is never told too low.
        """
        price_in, price_out = self.input_price, self.output_price
        for step in self.steps:
            if usage.input_tokens > step.above:
                price_in, price_out = step.input_price, step.output_price
        if price_in is None or (price_out is None and usage.output_tokens):
            return None
        spent = usage.input_tokens * price_in + usage.output_tokens * (price_out or 0.0)
        return spent / PER_TOKENS

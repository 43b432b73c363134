"""How many tokens a text is: estimated with care, corrected by what providers count, or exact."""

from __future__ import annotations

import importlib
import json
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

import numpy as np

from wiseflow.core.asking import ChatRequest
from wiseflow.core.errors import ConfigurationError

TokenCounter = Callable[[str], int]

# Source: OpenAI, "How to count tokens with tiktoken" (cookbook): three tokens around each message,
# one for its speaker, and three that open the answer.
PER_MESSAGE = 4
PER_REQUEST = 3

# Hundredths of a token for each byte that opens a character of UTF-8, so by script: first byte,
# last byte, cost. The bytes that follow in a character cost nothing.
# Source: tokens a character, measured on Llama 3's tokenizer (GigaGPU, "Tokenizer considerations":
# English .25 to .30, French and German .30 to .40, Russian .50 to .60, Arabic .50 to .70, Chinese
# .60 to .80, Japanese .70 to .90, Korean .80 to 1.00) and over eleven models (korchasa, 2025:
# English .23, Korean .63), each taken above its upper end, as older vocabularies need more; for
# scripts without a figure, the premiums of Petrov et al., "Language model tokenizers introduce
# unfairness between languages" (NeurIPS 2023). Digits, as Llama 2, Qwen and Gemma have one token
# for each.
_COSTS = (
    (0x00, 0x1F, 50),
    (0x20, 0x20, 15),  # a space goes with the word behind it
    (0x21, 0x2F, 70),
    (0x30, 0x39, 100),
    (0x3A, 0x40, 70),
    (0x41, 0x5A, 45),
    (0x5B, 0x60, 70),
    (0x61, 0x7A, 35),
    (0x7B, 0x7F, 70),
    (0xC0, 0xC3, 80),  # Latin with accents
    (0xC4, 0xCD, 90),
    (0xCE, 0xCF, 90),  # Greek
    (0xD0, 0xD4, 75),  # Cyrillic
    (0xD5, 0xD7, 120),  # Armenian, Hebrew
    (0xD8, 0xDB, 85),  # Arabic
    (0xDC, 0xDF, 200),
    (0xE0, 0xE0, 160),  # the scripts of India, Thai, Lao
    (0xE1, 0xE1, 200),  # Burmese, Khmer, Georgian, Ethiopic; Vietnamese vowels
    (0xE2, 0xE2, 120),  # typographic signs
    (0xE3, 0xE3, 105),  # Hiragana, Katakana
    (0xE4, 0xE9, 115),  # Han
    (0xEA, 0xED, 125),  # Hangul
    (0xEE, 0xEF, 150),
    (0xF0, 0xFF, 300),  # emoji, rare Han
)


def _cost_by_byte() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    costs = np.zeros(256, dtype=np.int64)
    for first, last, cost in _COSTS:
        costs[first : last + 1] = cost
    return costs


_COST = _cost_by_byte()


def estimate_tokens(text: str) -> int:
    """How many tokens a text is for most models, rather too many than too few.

    It takes some 5 µs and 4 ns a byte. It is never more than the text's bytes in UTF-8, as no
    tokenizer over bytes makes more of them.
    """
    data = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8)
    hundredths = int(np.bincount(data, minlength=256) @ _COST)
    return min(-(-hundredths // 100), data.size)


def estimate_request(request: ChatRequest) -> int:
    """How many tokens the input of a request is for most models."""
    return _of_request(request, estimate_tokens)


def exact_counter(file: Path) -> TokenCounter:
    """Counts tokens exactly, by a model's ``tokenizer.json``.

    Raises:
        ConfigurationError: the library ``tokenizers`` is not installed, or the file is not one.
    """
    try:
        # By name, as it is optional.
        library = cast("_Library", importlib.import_module("tokenizers"))
    except ImportError:
        raise ConfigurationError(
            "counting tokens by a tokenizer file needs the library 'tokenizers'",
            cure="Install it: pip install tokenizers",
        ) from None
    try:
        tokenizer = library.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception for whatever is wrong
        raise ConfigurationError(
            f"the tokenizer file {file} cannot be read",
            cure="Give a model's tokenizer.json, as the library 'tokenizers' writes it",
        ) from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


class _Encoding(Protocol):
    ids: list[int]


class _Tokenizer(Protocol):
    def from_file(self, path: str) -> _Tokenizer: ...
    def encode(self, text: str, *, add_special_tokens: bool) -> _Encoding: ...


class _Library(Protocol):
    Tokenizer: _Tokenizer


@dataclass(slots=True)
class _Ratios:
    """The last ratios of counted to estimated tokens of one model, in order of age and of size."""

    by_age: deque[float] = field(default_factory=deque[float])
    by_size: list[float] = field(default_factory=list[float])

    def add(self, ratio: float, most: int) -> None:
        if len(self.by_age) == most:
            oldest = self.by_age.popleft()
            del self.by_size[bisect_left(self.by_size, oldest)]
        self.by_age.append(ratio)
        insort(self.by_size, ratio)

    def quantile(self, share: float) -> float:
        return self.by_size[ceil(share * len(self.by_size)) - 1]


class TokenEstimator:
    """Estimates tokens, and learns from what providers count.

    Until a model has been counted ``enough`` times, its estimates are not lowered; one that proved
    too low is raised at once. After that, the estimate is multiplied by a high quantile of the last
    ratios of counted to estimated, so that about one in twenty is too low at all.

    Args:
        counters: by model, what counts its tokens exactly.
        quantile: of the ratios, above 0 and at most 1.
        enough: after so many counts of a model, its estimates may be lowered.
        memory: so many counts of a model are kept, the newest.
    """

    # What no ratio passes: a provider that counts thoughts or cached text otherwise must not
    # make every later estimate useless.
    LOWEST = 0.25
    HIGHEST = 4.0

    def __init__(
        self,
        counters: Mapping[str, TokenCounter] = MappingProxyType({}),
        *,
        quantile: float = 0.95,
        enough: int = 8,
        memory: int = 200,
    ) -> None:
        self._counters = counters
        self._quantile = quantile
        self._enough = enough
        self._memory = memory
        self._ratios: dict[str, _Ratios] = {}

    def of_text(self, text: str, model: str = "") -> int:
        """How many tokens a text is for a model; "" is any."""
        counter = self._counters.get(model)
        if counter is not None:
            return counter(text)
        return ceil(estimate_tokens(text) * self.ratio(model))

    def always(self, text: str, model: str = "") -> int:
        """How many tokens a text is, whatever was learnt: equal texts have equal ones for ever."""
        return self._counters.get(model, estimate_tokens)(text)

    def of_request(self, request: ChatRequest, model: str = "") -> int:
        """How many tokens the input of a request is, with what is put around its messages."""
        counter = self._counters.get(model)
        if counter is not None:
            return _of_request(request, counter)
        return ceil(estimate_request(request) * self.ratio(model))

    def observe(self, model: str, *, estimated: int, counted: int) -> None:
        """Learn from one call.

        Args:
            model: which was asked.
            estimated: what ``estimate_request`` or ``estimate_tokens`` says of what was sent: not
                corrected, as the correction changes.
            counted: what the provider counted of it; 0 when it does not tell.
        """
        if estimated <= 0 or counted <= 0 or model in self._counters:
            return
        ratio = min(max(counted / estimated, self.LOWEST), self.HIGHEST)
        self._ratios.setdefault(model, _Ratios()).add(ratio, self._memory)

    def ratio(self, model: str) -> float:
        """By what the estimates for a model are multiplied now."""
        ratios = self._ratios.get(model)
        if ratios is None:
            return 1.0
        if len(ratios.by_age) < self._enough:
            return max(1.0, ratios.by_size[-1])
        return ratios.quantile(self._quantile)


def _of_request(request: ChatRequest, count: TokenCounter) -> int:
    """With what is put around messages, and the schema, which providers count as input."""
    texts = [message.text for message in request.messages]
    if request.schema is not None:
        texts.append(json.dumps(request.schema))
    return PER_REQUEST + PER_MESSAGE * len(texts) + sum(map(count, texts))

"""What is known of models: how much they read and write, and what it costs.

From three places, of which the later holds: the price data of the library genai-prices (for
providers it knows by name or address), ``models.toml`` beside this file, and a file of the user's
in the same form. What none of them tells is unknown: ``None``, never 0.

What a server of one's own answers costs 0, where the user's file does not say otherwise: one on
this machine, whoever it is, and Ollama and Triton anywhere but at Ollama's own address.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.errors import ConfigurationError
from wiseflow.providers.model_facts import ModelFacts, PriceStep
from wiseflow.providers.network import is_loopback

__all__ = ["Facts", "ModelFacts", "PriceStep"]

DAY_S: Final = 86_400
OWN_SERVERS: Final = frozenset({"ollama", "triton"})
OWNERS: Final = {"api.openai.com": "openai", "api.anthropic.com": "anthropic"}
PAID_HOSTS: Final = frozenset({"ollama.com"})


class _Entry(BaseModel):
    """One entry of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str  # with ``*`` for any characters
    provider: str = "*"
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(gt=0)] | None = None
    input_price: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    output_price: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    as_of: date
    source: str

    def fits(self, provider: str, model: str) -> bool:
        """Whether it is about a model; case does not count."""
        return fnmatchcase(provider.lower(), self.provider.lower()) and fnmatchcase(
            model.lower(), self.name.lower()
        )

    def over(self, facts: ModelFacts) -> ModelFacts:
        """The facts with what it tells in place of what was known."""
        told = {
            name: value
            for name in ("context_tokens", "max_output_tokens", "input_price", "output_price")
            if (value := getattr(self, name)) is not None
        }
        if "input_price" in told or "output_price" in told:
            told |= {"as_of": self.as_of.isoformat(), "source": self.source, "steps": ()}
        return replace(facts, **told)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: tuple[_Entry, ...] = ()


class Facts:
    """What is known of models.

    Args:
        corrections: a file in the form of ``models.toml`` that holds over all else.
        clock: tells today, as prices change on set days.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is not of that form.
    """

    def __init__(self, corrections: Path | None = None, *, clock: Clock | None = None) -> None:
        self._ours = _read(files("wiseflow.providers").joinpath("models.toml").read_bytes(), "")
        self._users: tuple[_Entry, ...] = ()
        if corrections is not None:
            self._users = _read(_bytes_of(corrections), str(corrections))
        self._clock = clock or SystemClock()
        self._known: dict[tuple[str, str, str, int], ModelFacts] = {}

    def of(self, provider: str, model: str, *, base_url: str = "") -> ModelFacts:
        """What is known of a model.

        Args:
            provider: its name.
            model: as the provider calls it.
            base_url: where it is asked; "" for the provider's own address.
        """
        key = (provider, model, base_url, int(self._clock.now() // DAY_S))
        if key not in self._known:
            self._known[key] = self._looked_up(provider, model, base_url)
        return self._known[key]

    def _looked_up(self, provider: str, model: str, base_url: str) -> ModelFacts:
        facts = self._listed(provider, model, base_url)
        host = urlsplit(base_url).hostname or ""
        facts = _over(facts, self._ours, OWNERS.get(host, provider), model)
        if _is_free(provider, base_url):
            facts = replace(
                facts, input_price=0.0, output_price=0.0, steps=(), as_of="", source="own server"
            )
        return _over(facts, self._users, provider, model)

    def _listed(self, provider: str, model: str, base_url: str) -> ModelFacts:
        try:
            # It takes a quarter of a second, and is there only with the extra ``models``.
            from wiseflow.providers import prices  # noqa: PLC0415
        except ImportError:
            return ModelFacts()
        listed = prices.listed(provider, model, base_url, now=self._clock.now())
        return listed or ModelFacts()


def _is_free(provider: str, base_url: str) -> bool:
    host = (urlsplit(base_url).hostname or "").removeprefix("www.")
    return is_loopback(host) or (provider in OWN_SERVERS and host not in PAID_HOSTS)


def _over(facts: ModelFacts, entries: Iterable[_Entry], provider: str, model: str) -> ModelFacts:
    for entry in entries:
        if entry.fits(provider, model):
            facts = entry.over(facts)
    return facts


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the file of models {file} cannot be read ({error.strerror})",
            cure="Check its name and who may read it",
        ) from error


def _read(data: bytes, name: str) -> tuple[_Entry, ...]:
    try:
        return _File.model_validate(tomllib.loads(data.decode())).model
    except (ValidationError, ValueError) as error:
        raise ConfigurationError(
            f"the file of models {name} is not as it should be: {_first(error)}",
            cure="Give each [[model]] name, as_of and source, and what is to hold",
        ) from error


def _first(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        told = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in told["loc"])
        return f"{place}: {told['msg']}"
    return str(error)

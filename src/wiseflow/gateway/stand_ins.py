"""Who stands in for whom, as the settings say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wiseflow.core.calls import Call, CallKind
from wiseflow.core.errors import ConfigurationError
from wiseflow.gateway.chain import called
from wiseflow.gateway.fallback import Target


def read_stand_ins(text: str, setting: str) -> dict[str, tuple[str, ...]]:
    """Who stands in for whom: ``tavily: exa, perplexity; exa: tavily``.

    A colon with a blank after it ends the first name; within a name there may be others.

    Raises:
        ConfigurationError: a part has another form; the setting is named.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, colon, others = part.partition(": ")
        names = tuple(filter(None, (other.strip() for other in others.split(","))))
        if not (name.strip() and colon and names):
            raise ConfigurationError(
                f"{setting} has a part that cannot be read: {part!r}",
                cure="Write it as NAME: OTHER, OTHER; NAME: OTHER",
            )
        found[name.strip()] = names
    return found


class StandIns:
    """The stand-ins for calls.

    Args:
        searches: providers by provider.
        models: ``provider:model`` by ``provider:model``.
        usable: whether a provider is set up.
    """

    def __init__(
        self,
        searches: Mapping[str, Sequence[str]],
        models: Mapping[str, Sequence[str]],
        usable: Callable[[str], bool],
    ) -> None:
        self._searches = searches
        self._models = models
        self._usable = usable

    def __call__(self, call: Call[Any]) -> list[Target]:
        """Who can be asked when a call fails, the first to be asked first."""
        match call.kind:
            case CallKind.SEARCH:
                names = self._searches.get(call.provider, ())
                targets = [Target(provider=name) for name in names]
            case CallKind.MODEL:
                names = self._models.get(called(call), ())
                targets = [_model(name) for name in names]
            case _:
                targets = []
        return [target for target in targets if self._usable(target.provider)]


def _model(name: str) -> Target:
    provider, _, model = name.partition(":")
    return Target(provider=provider, model=model)

"""Which providers there are: each registers itself through an entry point.

The group is ``wiseflow.providers``; an entry names a ``ProviderSpec``. Only the module of the
provider that is asked for is imported, so a provider that nobody uses costs nothing, and one that
cannot be loaded harms nobody else.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from wiseflow.core.asking import ChatModel, EmbeddingModel, KeyTest, SearchProvider
from wiseflow.core.calls import CallKind
from wiseflow.core.errors import ConfigurationError, InvalidInput, WiseflowError
from wiseflow.observability.logs import get_logger
from wiseflow.providers.endpoint import Endpoint

if TYPE_CHECKING:
    from wiseflow.providers.http import HttpClients  # it imports the HTTP client, which is slow

__all__ = ["Endpoint", "ModelService", "ProviderSpec", "Registry", "SearchService"]

GROUP = "wiseflow.providers"
_OURS = "wiseflow."
_log = get_logger(__name__)


class Service(Protocol):
    """One endpoint of a provider, ready to be asked."""

    async def test_key(self) -> KeyTest:
        """Whether the key is taken, by the cheapest request that shows it.

        Raises:
            CallError: it cannot be told, as no answer came.
        """
        ...


class SearchService(Service, SearchProvider, Protocol):
    """An endpoint that searches."""


class ModelService(Service, Protocol):
    """An endpoint that has models; each is asked for by its name."""

    def chat(self, model: str) -> ChatModel:
        """The model of that name, for conversations."""
        ...

    def embeddings(self, model: str) -> EmbeddingModel:
        """The model of that name, for vectors."""
        ...


Maker = Callable[[Endpoint, "HttpClients"], Service]
S = TypeVar("S", bound=Service)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What is to be known of a provider before it is asked anything.

    Args:
        name: as its entry point is called: lower case, digits, ``-`` and ``_``.
        kinds: what it can be asked for. With ``SEARCH``, ``make`` gives a ``SearchService``; with
            ``MODEL`` or ``EMBED``, a ``ModelService``.
        default_base: its own address; "" where there is none, so that it must be set.
        key_required: whether it answers nobody without a key.
        make: gives it for an endpoint, with the clients it is to use; opens nothing.
        about: what it is, in a sentence.
    """

    name: str
    kinds: frozenset[CallKind]
    default_base: str
    key_required: bool
    make: Maker
    about: str = ""


class Registry:
    """The providers that are installed, by name.

    Args:
        entries: the entry points; those that are installed, when not given.
    """

    def __init__(self, entries: Iterable[EntryPoint] | None = None) -> None:
        self._given = entries
        self._entries: dict[str, EntryPoint] | None = None
        self._specs: dict[str, ProviderSpec] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All that are installed, in order; none of them is imported for it."""
        return tuple(sorted(self._found()))

    def spec(self, name: str) -> ProviderSpec:
        """What is to be known of a provider; its module is imported.

        Raises:
            InvalidInput: there is none of that name.
            ConfigurationError: it is installed, but cannot be loaded.
        """
        if name not in self._specs:
            entry = self._found().get(name)
            if entry is None:
                raise self._unknown(name)
            self._specs[name] = _loaded(entry)
        return self._specs[name]

    def specs(self, kind: CallKind | None = None) -> tuple[ProviderSpec, ...]:
        """All that can be loaded, or those of one kind, by name; one that cannot is logged."""
        found: list[ProviderSpec] = []
        for name in self.names:
            try:
                found.append(self.spec(name))
            except WiseflowError as error:
                _log.warning(
                    "A provider cannot be loaded and is left out", name=name, why=str(error)
                )
        return tuple(spec for spec in found if kind is None or kind in spec.kinds)

    def endpoint(
        self,
        name: str,
        *,
        api_key: str = "",
        base_url: str = "",
        options: Mapping[str, object] | None = None,
        settings: str = "",
    ) -> Endpoint:
        """A provider's endpoint; its own address holds where none is given.

        Raises:
            InvalidInput: there is no such provider.
            ConfigurationError: it cannot be loaded, or has no address of its own and none is given.
        """
        return Endpoint(
            provider=name,
            base_url=base_url or self.spec(name).default_base,
            api_key=api_key,
            options=options or {},
            settings=settings,
        )

    def search(self, endpoint: Endpoint, clients: HttpClients) -> SearchService:
        """The endpoint of a search provider, ready to be asked.

        Raises:
            InvalidInput: no provider has that name, or it does not search.
            ConfigurationError: it cannot be loaded, or needs a key.
        """
        return cast("SearchService", self._made(endpoint, clients, {CallKind.SEARCH}, "searches"))

    def models(self, endpoint: Endpoint, clients: HttpClients) -> ModelService:
        """The endpoint of a provider of models, ready to be asked.

        Raises:
            InvalidInput: no provider has that name, or it has no models.
            ConfigurationError: it cannot be loaded, or needs a key.
        """
        kinds = {CallKind.MODEL, CallKind.EMBED}
        return cast("ModelService", self._made(endpoint, clients, kinds, "has models"))

    def _made(
        self, endpoint: Endpoint, clients: HttpClients, kinds: set[CallKind], what: str
    ) -> Service:
        spec = self.spec(endpoint.provider)
        if not spec.kinds & kinds:
            able = [one.name for one in self.specs() if one.kinds & kinds]
            raise InvalidInput(
                f"{endpoint.provider!r} is no provider that {what}",
                cure=f"Take one of: {', '.join(able)}",
            )
        if spec.key_required and not endpoint.api_key:
            raise ConfigurationError(
                f"{endpoint.provider} answers nobody without a key",
                cure=f"Set {endpoint.key_setting}",
            )
        return spec.make(endpoint, clients)

    def _found(self) -> dict[str, EntryPoint]:
        if self._entries is None:
            given = entry_points(group=GROUP) if self._given is None else self._given
            # Ours come last and so hold: no other package gets the keys meant for them.
            ordered = sorted(given, key=lambda entry: entry.value.startswith(_OURS))
            self._entries = {entry.name: entry for entry in ordered}
        return self._entries

    def _unknown(self, name: str) -> InvalidInput:
        near = difflib.get_close_matches(name.lower(), self.names, n=1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        return InvalidInput(
            f"there is no provider {name!r}",
            cure=f"{meant}Known are: {', '.join(self.names) or 'none; install WiseFlow again'}",
        )


def _loaded(entry: EntryPoint) -> ProviderSpec:
    try:
        spec = entry.load()
    except WiseflowError:  # for instance a missing extra, which says itself what to do
        raise
    except Exception as error:
        raise _unloadable(
            entry, f"importing {entry.value} fails ({type(error).__name__})"
        ) from error
    if not isinstance(spec, ProviderSpec) or spec.name != entry.name:
        raise _unloadable(entry, f"{entry.value} is no ProviderSpec of that name")
    return spec


def _unloadable(entry: EntryPoint, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the provider {entry.name!r} cannot be loaded: {why}",
        cure="Mend or remove the package that it comes from",
    )

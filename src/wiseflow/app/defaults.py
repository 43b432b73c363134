"""What a research is made with that its configuration does not name, and whether it may be so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wiseflow.app.checking import searches_set_up
from wiseflow.app.outside import Outside, model_to_use
from wiseflow.core.configuration import EXTRACTIVE, Configuration, SearchAPI
from wiseflow.core.errors import InvalidInput
from wiseflow.core.ports import CollectionReader
from wiseflow.gateway.fronts import split_model
from wiseflow.research.asking import read_configuration
from wiseflow.research.privacy import must_stay_here
from wiseflow.settings.model import Settings

ROLES = ("planner_model", "writer_model", "researcher_model")
MODEL_CURE = f"Name a model on this machine, or {EXTRACTIVE!r} for the embedded author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a research is to be done.

    Args:
        given: its configuration as JSON values, with what was not named filled in.
        configuration: the same, read and checked.
        notes: what was chosen otherwise than the settings say, and why, as sentences.
    """

    given: Mapping[str, object]
    configuration: Configuration
    notes: tuple[str, ...] = ()


class Defaults:
    """Fills configurations in.

    Args:
        settings: what holds.
        outside: who can be asked.
        collections: gives what tells which collections of a tenant are private.
    """

    def __init__(
        self, settings: Settings, outside: Outside, collections: Callable[[str], CollectionReader]
    ) -> None:
        self._settings = settings
        self._directory = outside.directory
        self._searches = searches_set_up(settings, outside)
        self._collections = collections
        self._model: str | None = None

    async def found(self, *, documents: bool) -> dict[str, object]:
        """The models and the search that hold where a configuration names none.

        Args:
            documents: whether documents or a collection of them were named to look in.

        Raises:
            ConfigurationError: a setting cannot be used.
        """
        return {**await self._models(), "search_api": self._search(documents=documents)}

    async def settle(
        self, given: Mapping[str, object], *, documents: bool, tenant: str = ""
    ) -> Settled:
        """A configuration with what it does not name, checked before anything is done.

        Args:
            given: its JSON values; ``None`` is not named.
            documents: as in ``found``.
            tenant: whose research it is.

        Raises:
            InvalidInput: a value cannot be used, or what must stay on this machine would leave it.
            ConfigurationError: a provider that is named is not set up.
        """
        named = {name: value for name, value in given.items() if value is not None}
        found: dict[str, object] = {}
        if named.keys().isdisjoint(ROLES):  # who names one model means no other
            found |= await self._models()
        if "search_api" not in named:
            found["search_api"] = self._search(documents=documents, beside=_scholarly(named))
        filled, notes = await self._kept_here({**found, **named}, set(found), tenant)
        configuration = read_configuration(filled)
        self._check_set_up(configuration)
        return Settled(given=filled, configuration=configuration, notes=notes)

    async def _models(self) -> dict[str, object]:
        if self._model is None:  # one is looked for on this machine, which takes a while
            self._model = await model_to_use(self._settings) or EXTRACTIVE
        return dict.fromkeys(ROLES, self._model)

    def _search(self, *, documents: bool, beside: Sequence[str] = ()) -> str:
        """Who is asked: the web where it is set up, else who is asked beside it, else documents."""
        if documents:
            return SearchAPI.DOCUMENTS.value
        return next(iter((*self._searches, *beside)), SearchAPI.DOCUMENTS.value)

    async def _kept_here(
        self, filled: dict[str, object], by_default: set[str], tenant: str
    ) -> tuple[dict[str, object], tuple[str, ...]]:
        """The same, with nothing that would leave this machine where that must not be."""
        notes: list[str] = []
        if self._settings.local_only and read_configuration(filled).on_web:
            why = "LOCAL_ONLY is set, so nothing is searched on the web"
            if "search_api" not in by_default or read_configuration(filled).scholarly:
                raise InvalidInput(why, cure="Name documents with --docs, or unset LOCAL_ONLY")
            filled = {**filled, "search_api": SearchAPI.DOCUMENTS.value}
            notes.append(f"{why}: your own documents are.")
        configuration = read_configuration(filled)
        if configuration.on_web and (why := await self._reason_to_stay(configuration, tenant)):
            raise InvalidInput(
                f"{why}, and {configuration.providers[0]} would be asked with words of it",
                cure="Search its documents alone, or the web without them",
            )
        elsewhere = [model for model in configuration.models if not self._is_local(model)]
        if elsewhere and (why := await self._reason_to_stay(configuration, tenant)):
            [model, *_] = elsewhere
            told = f"{why}, and {model} is at {self._address(model)}"
            if by_default.isdisjoint(ROLES):
                raise InvalidInput(told, cure=MODEL_CURE)
            filled = {**filled, **dict.fromkeys(ROLES, EXTRACTIVE)}
            notes.append(f"{told}: the embedded author writes.")
        return filled, tuple(notes)

    async def _reason_to_stay(self, configuration: Configuration, tenant: str) -> str:
        """Why nothing of a research may leave this machine, or ""."""
        if self._settings.local_only:
            return "LOCAL_ONLY is set"
        if await must_stay_here(configuration, self._collections(tenant)):
            return f"the collection {configuration.collection!r} never leaves this machine"
        return ""

    def _is_local(self, model: str) -> bool:
        return self._directory.endpoint(split_model(model)[0]).is_local

    def _address(self, model: str) -> str:
        return self._directory.endpoint(split_model(model)[0]).address

    def _check_set_up(self, configuration: Configuration) -> None:
        """Make what will ask, which opens nothing and raises where a name, key or address lacks."""
        for model in configuration.models:
            self._directory.chat(*split_model(model))
        for provider in configuration.providers:
            self._directory.search(provider)


def _scholarly(named: Mapping[str, object]) -> tuple[str, ...]:
    """The indexes of papers that a configuration asks for, as far as it is given."""
    fields = ("include_academic_papers", "academic_sources")
    return read_configuration({one: named[one] for one in fields if one in named}).scholarly

"""Who can be asked: the endpoints that are set, and what asks them, made when first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wiseflow.core.asking import ChatModel, EmbeddingModel, Fetcher, KeyTest, SearchProvider
from wiseflow.core.calls import Call, CallKind
from wiseflow.core.errors import AddressForbidden, WiseflowError
from wiseflow.core.limits import LimitKey
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.lazy import LazyChat
from wiseflow.providers.registry import ModelService, ProviderSpec, Registry, SearchService

if TYPE_CHECKING:  # they import the HTTP client, which is slow
    from wiseflow.providers.http import HttpClients
    from wiseflow.providers.pages import PageFetcher


class Directory:
    """Endpoints by the name of their provider, and their adapters.

    Args:
        endpoints: gives the endpoint of a provider; raises ``ConfigurationError`` when its key or
            address is not set, and ``InvalidInput`` when there is no such provider.
        clients: makes the HTTP clients, once.
        fetcher: makes what fetches pages, once.
        registry: the providers that are installed.
    """

    def __init__(
        self,
        endpoints: Callable[[str], Endpoint],
        clients: Callable[[], HttpClients],
        fetcher: Callable[[], PageFetcher],
        registry: Registry | None = None,
    ) -> None:
        self._endpoint = endpoints
        self._make_clients = clients
        self._make_fetcher = fetcher
        self._registry = registry or Registry()
        self._clients: HttpClients | None = None
        self._fetcher: PageFetcher | None = None
        self._endpoints: dict[str, Endpoint] = {}
        self._searches: dict[str, SearchService] = {}
        self._services: dict[str, ModelService] = {}
        self._chats: dict[tuple[str, str], ChatModel] = {}
        self._embedders: dict[tuple[str, str], EmbeddingModel] = {}

    def endpoint(self, provider: str) -> Endpoint:
        """Where a provider is asked. Raises ``ConfigurationError`` or ``InvalidInput``."""
        if provider not in self._endpoints:
            self._endpoints[provider] = self._endpoint(provider)
        return self._endpoints[provider]

    def limit_key(self, call: Call[Any]) -> LimitKey:
        """Whose limits hold for a call: those of a key and its model."""
        account = self.endpoint(call.provider).account
        return LimitKey(provider=call.provider, account=account, model=call.model)

    def usable(self, provider: str) -> bool:
        """Whether a provider is known, and its key and address are set as far as it needs them."""
        try:
            needs_key = self._registry.spec(provider).key_required
            return bool(self.endpoint(provider).api_key) or not needs_key
        except WiseflowError:
            return False

    def about(self, provider: str) -> str:
        """What a provider is, in a sentence. Raises ``ConfigurationError`` or ``InvalidInput``."""
        return self._registry.spec(provider).about

    @property
    def specs(self) -> tuple[ProviderSpec, ...]:
        """All providers that are installed, by name; their modules are imported."""
        return self._registry.specs()

    def base_url(self, provider: str) -> str:
        """Where a provider is asked; "" when that is not known."""
        try:
            return self.endpoint(provider).base_url
        except WiseflowError:
            return ""

    def check_local(self, kind: CallKind, provider: str) -> None:
        """Refuse what is not on this machine, for a run of which nothing may leave it.

        Raises:
            AddressForbidden: the provider is elsewhere.
        """
        if kind is CallKind.FETCH or not self.endpoint(provider).is_local:
            where = "the web" if kind is CallKind.FETCH else self.endpoint(provider).address
            raise AddressForbidden(
                f"nothing of this research may be sent to {where}: its documents never leave",
                provider=provider,
                cure="Ask a model on this machine, or use a collection that is not private",
            )

    def chat(self, provider: str, model: str) -> ChatModel:
        """A model, for conversations. Raises ``ConfigurationError`` or ``InvalidInput``."""
        if (provider, model) not in self._chats:
            self._chats[provider, model] = self._service(provider).chat(model)
        return self._chats[provider, model]

    async def warm(self, provider: str, model: str) -> None:
        """Load now what a model's first call would wait for. Raises as ``chat``."""
        chat = self.chat(provider, model)
        if isinstance(chat, LazyChat):
            await chat.warm()

    async def prepare(self, call: Call[Any]) -> None:
        """Load what a call needs, so that it leaves at once when its turn comes.

        Raises:
            ConfigurationError: the provider's key or address is not set.
            InvalidInput: there is no such provider.
        """
        match call.kind:
            case CallKind.MODEL:
                await self.warm(call.provider, call.model)
            case CallKind.SEARCH:
                self.search(call.provider)
            case CallKind.EMBED:
                self.embedder(call.provider, call.model)
            case CallKind.FETCH:
                self.fetcher()

    def embedder(self, provider: str, model: str) -> EmbeddingModel:
        """A model, for vectors. Raises ``ConfigurationError`` or ``InvalidInput``."""
        if (provider, model) not in self._embedders:
            self._embedders[provider, model] = self._service(provider).embeddings(model)
        return self._embedders[provider, model]

    def search(self, provider: str) -> SearchProvider:
        """A search provider. Raises ``ConfigurationError`` or ``InvalidInput``."""
        if provider not in self._searches:
            endpoint = self.endpoint(provider)
            self._searches[provider] = self._registry.search(endpoint, self._http())
        return self._searches[provider]

    def fetcher(self) -> Fetcher:
        """What fetches pages."""
        if self._fetcher is None:
            self._fetcher = self._make_fetcher()
        return self._fetcher

    async def test_key(self, provider: str) -> KeyTest:
        """Whether a provider takes its key.

        Raises:
            CallError: no answer came.
            ConfigurationError: its key or address is not set.
            InvalidInput: there is no such provider.
        """
        kinds = self._registry.spec(provider).kinds
        if CallKind.SEARCH in kinds:
            return await self._registry.search(self.endpoint(provider), self._http()).test_key()
        return await self._service(provider).test_key()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._fetcher is not None:
            await self._fetcher.aclose()
        if self._clients is not None:
            await self._clients.aclose()

    def _service(self, provider: str) -> ModelService:
        if provider not in self._services:
            endpoint = self.endpoint(provider)
            self._services[provider] = self._registry.models(endpoint, self._http())
        return self._services[provider]

    def _http(self) -> HttpClients:
        if self._clients is None:
            self._clients = self._make_clients()
        return self._clients

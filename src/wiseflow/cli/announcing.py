"""What a command says before and while it asks outside: who, where, and what it may cost."""

from __future__ import annotations

from wiseflow.app import Application, Forecast
from wiseflow.cli.asked import Asked
from wiseflow.cli.display import Display, render_duration
from wiseflow.core.configuration import Budget, Configuration, SearchAPI
from wiseflow.core.errors import ConfigurationError
from wiseflow.core.money import money
from wiseflow.core.news import FirstCall, OutageBegun, OutageOver, ProviderNews
from wiseflow.core.report import Loss
from wiseflow.gateway.fronts import PAGES
from wiseflow.research.losing import told


class Screen:
    """A command's display, with what is known of whom it asks.

    Args:
        display: where it is said.
    """

    def __init__(self, display: Display) -> None:
        self.display = display
        self._models: tuple[str, ...] = ()

    def on_news(self, news: ProviderNews) -> None:
        """Say who is asked, before the first time, and who is waited for."""
        match news:
            case FirstCall():
                line = render_endpoint(news.provider, news.address, self._models)
            case OutageBegun():
                line = render_outage(news)
            case OutageOver():
                line = f"{news.provider} answers again."
        self.display.say(line)

    def announce(self, app: Application, asked: Asked) -> None:
        """Say what researches will need, and what was chosen otherwise than the settings say.

        Raises:
            ConfigurationError: they may spend so much money, and a price is not known.
        """
        models = (model for one in asked.configurations for model in one.models)
        self._models = tuple(dict.fromkeys(models))
        for note in asked.notes:
            self.display.say(note)
        lines = (line for one in asked.configurations for line in _foretold(app, one))
        for line in dict.fromkeys(lines):
            self.display.say(line)


def _foretold(app: Application, configuration: Configuration) -> list[str]:
    expected = app.forecast(configuration)
    if not expected.calls:
        return []
    budget = configuration.budget
    if budget.money is not None and expected.unpriced:
        raise ConfigurationError(
            f"a budget of money is given, and the price of {expected.unpriced[0]} is not known",
            cure="Name it in a file and set MODEL_FACTS to that, or give --max-tokens instead",
        )
    return [render_forecast(expected), *render_shortage(expected, budget)]


def render_forecast(expected: Forecast) -> str:
    """What one research will need, as a sentence."""
    if expected.cost is None:
        cost = f"cost unknown, as the price of {', '.join(expected.unpriced)} is"
    else:
        cost = f"up to {money(expected.cost)}"
    return f"A research takes about {expected.calls} calls, {expected.tokens:,} tokens, {cost}."


def render_shortage(expected: Forecast, budget: Budget) -> list[str]:
    """That a budget may not be enough; nothing when it is."""
    short: list[str] = []
    if budget.money is not None and expected.cost is not None and budget.money < expected.cost:
        short.append(f"{money(budget.money)} may not be enough for it")
    if budget.tokens is not None and budget.tokens < expected.tokens:
        short.append(f"{budget.tokens:,} tokens may not be enough for it")
    return [f"{why}: it then ends with what it has." for why in short]


def render_endpoint(provider: str, address: str, models: tuple[str, ...] = ()) -> str:
    """Who is asked, and where.

    Args:
        provider: its name.
        address: scheme, host and port, or words for them.
        models: those that a command names, of any provider.
    """
    if provider == PAGES:
        return "Fetching pages from the web."
    if provider in list(SearchAPI):
        return f"Searching with {provider} at {address}."
    named = [model for model in models if model.partition(":")[0] == provider]
    return f"Asking {', '.join(named) or provider} at {address}."


def render_outage(outage: OutageBegun) -> str:
    """That calls wait for a provider: why, how long, and what can be done about it."""
    wait = render_duration(outage.wait_s)
    cure = f" {outage.cure}." if outage.cure else ""
    return f"{outage.why}: its calls wait up to {wait} for it (PROVIDER_OUTAGE_WAIT).{cure}"


def render_losses(losses: tuple[Loss, ...]) -> list[str]:
    """What a report lost, one a line, as they stand below the line of its research."""
    return [f"    lost: {sentence}" for sentence in told(losses)]

"""All paths of the simulator as one aiohttp application."""

from __future__ import annotations

from aiohttp import web

from wiseflow.simulator.control import control_routes
from wiseflow.simulator.exchange import Exchange
from wiseflow.simulator.providers import PROVIDERS
from wiseflow.simulator.simulation import Simulation

MOST_BYTES = 64 * 1024 * 1024  # of a request


def make_app(simulation: Simulation) -> web.Application:
    """The application of a simulation: every provider, and the paths that control it."""
    app = web.Application(client_max_size=MOST_BYTES)
    for provider in PROVIDERS.values():
        for endpoint in provider.endpoints:
            exchange = Exchange(simulation, provider, endpoint)
            app.router.add_route(endpoint.method, provider.prefix + endpoint.path, exchange.handle)
    app.add_routes(control_routes(simulation))
    return app

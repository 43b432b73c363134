"""The composition root: settings in, wired objects out.

The only package that names concrete adapters. What it opens, it closes, in the reverse order.
"""

from wiseflow.app.application import Application, ConnectionTest
from wiseflow.app.databases import check_database, check_local_only, is_loopback, upgrade_database
from wiseflow.app.defaults import Settled
from wiseflow.app.engines import engine
from wiseflow.app.forecasting import Forecast
from wiseflow.app.limiting import test_cache
from wiseflow.app.opening import open_application

__all__ = [
    "Application",
    "ConnectionTest",
    "Forecast",
    "Settled",
    "check_database",
    "check_local_only",
    "engine",
    "is_loopback",
    "open_application",
    "test_cache",
    "upgrade_database",
]

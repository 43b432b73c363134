"""The composition root: settings in, wired objects out.

The only package that names concrete adapters. What it opens, it closes, in the reverse order.
"""

from wiseflow.app.application import Application, ConnectionTest, open_application
from wiseflow.app.databases import check_database, check_local_only, is_loopback, upgrade_database
from wiseflow.app.engines import engine

__all__ = [
    "Application",
    "ConnectionTest",
    "check_database",
    "check_local_only",
    "engine",
    "is_loopback",
    "open_application",
    "upgrade_database",
]

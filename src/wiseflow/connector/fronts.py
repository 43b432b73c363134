"""The public objects that need no making: lazy fronts over the settings of the environment."""

from __future__ import annotations

import os
from pathlib import Path

from wiseflow.app import ConnectionTest, open_application, test_cache
from wiseflow.connector.manager import ParallelResearchManager
from wiseflow.connector.models import LLMManager
from wiseflow.settings.loading import Settings, load_settings


class DatabaseFront:
    """The database that the settings name."""

    async def test_connection(self) -> ConnectionTest:
        """Whether it answers, how fast, and its version.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        async with open_application(_settings()) as app:
            return await app.test_connection()


class CacheFront:
    """What processes share beside the database: Redis where it is set, else nothing but memory."""

    async def test_connection(self) -> ConnectionTest:
        """Whether it answers, how fast, and its version.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        return await test_cache(_settings())


class ConfigFront:
    """The settings that hold now, by name: ``config.max_concurrent_research``."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_settings(), name)

    def __repr__(self) -> str:
        return repr(_settings())


def _settings() -> Settings:
    return load_settings(environ=os.environ, dotenv=Path(".env"))


cache = CacheFront()
config = ConfigFront()
database = DatabaseFront()
llm_manager = LLMManager()
parallel_research_manager = ParallelResearchManager()

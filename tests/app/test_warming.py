"""Getting ready in the background."""

import asyncio

from wiseflow.app import open_application
from wiseflow.app.warming import Warming
from wiseflow.core.configuration import Configuration, SearchAPI
from wiseflow.settings.loading import load_settings

WEB = Configuration(search_api=SearchAPI.TAVILY, writer_model="llm:m")


class Models:
    """Counts how often each is loaded; ``slow`` is never ready."""

    def __init__(self):
        self.loaded = []
        self.ended = False

    async def warm(self, provider, model):
        self.loaded.append(provider)
        if provider == "broken":
            raise RuntimeError("no such library")
        if provider == "slow":
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True


async def nothing():
    """Starts no process."""


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_a_research_needs_is_got_ready_once():
    models, started = Models(), []

    async def start():
        started.append(1)

    async with Warming(start, models.warm) as warming:
        warming.begin(WEB)
        warming.begin(WEB)
        warming.begin(Configuration(search_api=SearchAPI.DOCUMENTS))
        await settle()

    assert models.loaded == ["llm"]
    assert started == [1]


async def test_documents_and_the_embedded_author_need_nothing():
    models, started = Models(), []

    async def start():
        started.append(1)

    async with Warming(start, models.warm) as warming:
        warming.begin(Configuration(writer_model="extractive"))
        await settle()

    assert (models.loaded, started) == ([], [])


async def test_what_fails_harms_nobody_and_what_is_left_ends_with_the_block():
    models = Models()

    async with Warming(nothing, models.warm) as warming:
        warming.begin(Configuration(writer_model="broken:m"))
        warming.begin(Configuration(writer_model="slow:m"))
        await settle()

    assert models.loaded == ["broken", "slow"]
    assert models.ended


async def test_an_application_that_is_left_at_once_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environ = {"LLM_API_KEY": "k", "TAVILY_API_KEY": "k", "LOG_LEVEL": "ERROR"}
    before = asyncio.all_tasks()

    async with open_application(load_settings(environ=environ)) as app:
        app.warm(WEB)
        await asyncio.sleep(0)

    assert asyncio.all_tasks() == before

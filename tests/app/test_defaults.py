"""What a research is made with that its configuration does not name."""

import pytest

from wiseflow.app import open_application
from wiseflow.core.configuration import Configuration
from wiseflow.core.errors import ConfigurationError, InvalidInput
from wiseflow.settings.loading import load_settings

NOBODY = {"OLLAMA_API_BASE": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"}
MODEL = {"LLM_API_KEY": "k", "LLM_API_BASE": "https://models.example/v1", "PRIMARY_MODEL": "m"}
HERE = {**MODEL, "LLM_API_BASE": "http://127.0.0.1:9/v1"}
SEARCH = {"EXA_API_KEY": "k"}
EMBEDDED = dict.fromkeys(("planner_model", "writer_model", "researcher_model"), "extractive")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tides.md").write_text("# Tides\n\nTides are the rise and fall of sea levels.\n")
    return tmp_path


def application(*environs):
    merged = {name: value for one in (NOBODY, *environs) for name, value in one.items()}
    return open_application(load_settings(environ=merged))


async def settled(environs, given, *, documents=False, private=False):
    async with application(*environs) as app:
        if private:
            await app.ingest([app.settings.data_dir.parent], collection="notes", private=True)
        return await app.settle(given, documents=documents)


@pytest.mark.parametrize(
    ("environs", "documents", "model", "search"),
    [
        ([], False, "extractive", "documents"),
        ([MODEL], False, "llm:m", "documents"),
        ([SEARCH], False, "extractive", "exa"),
        ([MODEL, SEARCH], False, "llm:m", "exa"),
        ([MODEL, SEARCH], True, "llm:m", "documents"),
        ([SEARCH, {"TAVILY_API_KEY": "k"}], False, "extractive", "tavily"),
        ([{"SEARXNG_API_BASE": "http://127.0.0.1:9"}], False, "extractive", "searxng"),
        ([{"PRIMARY_MODEL": "anthropic:m", "ANTHROPIC_API_KEY": "k"}], False, "anthropic:m", None),
    ],
)
async def test_what_is_set_up_is_what_holds(environs, documents, model, search):
    async with application(*environs) as app:
        found = await app.defaults(documents=documents)

    assert found["writer_model"] == found["planner_model"] == found["researcher_model"] == model
    assert found["search_api"] == (search or "documents")


async def test_what_is_named_holds_and_one_model_is_for_all_roles():
    done = await settled([MODEL, SEARCH], {"planner_model": "llm:other", "search_api": None})

    assert done.configuration.models == ("llm:other",)
    assert done.configuration.search_api == "exa"
    assert done.notes == ()


async def test_the_embedded_author_is_a_choice():
    done = await settled([MODEL], {"writer_model": "extractive"})

    assert done.configuration.models == ()


async def test_a_found_model_elsewhere_does_not_get_a_private_collection_and_that_is_said():
    done = await settled([MODEL], {"collection": "notes"}, documents=True, private=True)

    assert {name: done.given[name] for name in EMBEDDED} == EMBEDDED
    [note] = done.notes
    assert "'notes' never leaves this machine" in note
    assert "https://models.example" in note


@pytest.mark.parametrize(
    ("environs", "given", "private"),
    [
        ([MODEL], {"collection": "notes", "writer_model": "llm:m"}, True),
        ([MODEL, {"LOCAL_ONLY": "true"}], {"planner_model": "llm:m"}, False),
    ],
)
async def test_a_named_model_elsewhere_is_refused_what_must_stay(environs, given, private):
    with pytest.raises(InvalidInput, match=r"https://models\.example") as caught:
        await settled(environs, given, documents=True, private=private)

    assert "'extractive'" in caught.value.cure


async def test_a_model_on_this_machine_gets_a_private_collection():
    done = await settled([HERE], {"collection": "notes"}, documents=True, private=True)

    assert done.configuration.models == ("llm:m",)
    assert done.notes == ()


async def test_with_local_only_own_documents_are_searched_and_that_is_said():
    done = await settled([HERE, SEARCH, {"LOCAL_ONLY": "true"}], {})

    assert not done.configuration.on_web
    assert done.configuration.models == ("llm:m",)
    assert "nothing is searched on the web" in done.notes[0]


async def test_with_local_only_a_named_search_of_the_web_is_refused():
    with pytest.raises(InvalidInput, match="LOCAL_ONLY is set"):
        await settled([SEARCH, {"LOCAL_ONLY": "true"}], {"search_api": "exa"})


async def test_a_search_or_a_model_that_is_not_set_up_is_refused_with_its_setting():
    with pytest.raises(ConfigurationError, match="TAVILY_API_KEY"):
        await settled([], {"search_api": "tavily"})
    with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
        await settled([{"PRIMARY_MODEL": "anthropic:m"}], {})


async def test_a_provider_that_nobody_knows_is_no_reason_to_write_without_a_model():
    with pytest.raises(ConfigurationError, match="Did you mean 'openai'"):
        await settled([{"PRIMARY_MODEL": "opneai:m"}], {})


async def test_what_a_research_will_need_is_told_from_its_configuration(folder):
    facts = "[[model]]\nname='m'\nas_of=2026-01-01\nsource='me'\ninput_price=10\noutput_price=30\n"
    (folder / "facts.toml").write_text(facts)
    async with application(MODEL, SEARCH, {"MODEL_FACTS": "facts.toml"}) as app:
        brief, detailed, embedded = [
            app.forecast((await app.settle(given, documents=False)).configuration)
            for given in (
                {"length": "brief"},
                {"length": "detailed"},
                {"writer_model": "extractive", "search_api": "documents"},
            )
        ]

    # The plan, three sections, an opinion on each, the summary; the searches.
    assert brief.calls == 1 + 3 + 3 + 1 + (1 + 3 * 3)
    assert detailed.calls > brief.calls
    assert detailed.tokens > brief.tokens
    assert (detailed.cost or 0) > (brief.cost or 0) > 0
    assert (embedded.calls, embedded.tokens, embedded.cost) == (0, 0, 0)


async def test_a_price_that_is_not_known_makes_the_forecast_unknown():
    async with application(MODEL) as app:
        expected = app.forecast(Configuration(writer_model="llm:m"))

    assert expected.cost is None
    assert expected.unpriced == ("llm:m",)

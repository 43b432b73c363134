"""Which providers there are, and how each registers itself."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest
from tests.providers.servers import KEY, declared

from wiseflow.core.calls import CallKind
from wiseflow.core.errors import ConfigurationError, InvalidInput, MissingExtra
from wiseflow.providers.registry import GROUP, ProviderSpec, Registry

SEARCHERS = ["exa", "perplexity", "searxng", "tavily"]


def entry(name, value):
    return EntryPoint(name=name, value=value, group=GROUP)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module of somebody else's package."""

    def make(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    return make


def test_what_is_installed_is_what_the_project_file_declares():
    installed = {one.name: one.value for one in entry_points(group=GROUP)}

    missing = {one.name for one in declared()} - set(installed)

    assert not missing, "make the environment again: the project file has new entry points"


def test_the_search_providers_are_there_and_know_themselves(registry):
    found = {spec.name: spec for spec in registry.specs(CallKind.SEARCH)}

    assert [name for name in SEARCHERS if name in found] == SEARCHERS
    assert all(spec.about for spec in found.values())
    assert found["tavily"].key_required
    assert not found["searxng"].key_required


def test_only_the_module_that_is_asked_for_is_imported():
    program = """
import sys
from wiseflow.providers.registry import Registry, EntryPoint, GROUP
entries = [EntryPoint(n, f"wiseflow.providers.{n}:SPEC", GROUP) for n in ("exa", "tavily")]
names = Registry(entries).names
assert names == ("exa", "tavily") and "httpx2" not in sys.modules
Registry(entries).spec("exa")
assert "wiseflow.providers.exa" in sys.modules
assert "wiseflow.providers.tavily" not in sys.modules
assert not {"openai", "anthropic", "pydantic_ai"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tavly", "Did you mean 'tavily'? Known are: anthropic, "),
        ("Exa", "'exa'"),
        ("zzz", "Known are"),
    ],
)
def test_an_unknown_name_is_told_with_those_that_are_known(registry, name, told):
    with pytest.raises(InvalidInput, match="there is no provider") as caught:
        registry.spec(name)

    assert told in str(caught.value)


def test_without_any_provider_the_cure_is_to_install():
    with pytest.raises(InvalidInput, match="install WiseFlow again"):
        Registry([]).spec("exa")


@pytest.mark.parametrize(
    "text",
    ["raise RuntimeError('boom')", "import no_such_module", "SPEC = 3", "OTHER = 1",
     "from wiseflow.providers.exa import SPEC"],
)  # fmt: skip
def test_one_that_cannot_be_loaded_harms_no_other(module, text, caplog):
    value = f"{module('broken_provider', text)}:SPEC"
    registry = Registry([entry("broken", value), entry("tavily", "wiseflow.providers.tavily:SPEC")])

    assert [spec.name for spec in registry.specs()] == ["tavily"]
    assert "cannot be loaded" in caplog.text
    with pytest.raises(ConfigurationError, match="'broken'"):
        registry.spec("broken")
    sys.modules.pop("broken_provider", None)


def test_a_missing_extra_says_itself_what_to_install(module):
    text = (
        "from wiseflow.core.errors import MissingExtra\nraise MissingExtra('models', 'asking it')"
    )
    registry = Registry([entry("needy", f"{module('needy_provider', text)}:SPEC")])

    with pytest.raises(MissingExtra, match="pip install"):
        registry.spec("needy")
    sys.modules.pop("needy_provider", None)


def test_no_other_package_takes_the_name_of_one_of_ours(module):
    ours = entry("exa", "wiseflow.providers.exa:SPEC")
    theirs = entry("exa", f"{module('thief', 'raise SystemError')}:SPEC")

    for entries in ([ours, theirs], [theirs, ours]):
        assert Registry(entries).spec("exa").default_base == "https://api.exa.ai"


def test_an_endpoint_has_the_providers_own_address_or_the_one_given(registry):
    assert registry.endpoint("exa").base_url == "https://api.exa.ai"
    assert registry.endpoint("exa", base_url="http://127.0.0.1:8").base_url == "http://127.0.0.1:8"
    with pytest.raises(ConfigurationError, match="SEARXNG_API_BASE"):
        registry.endpoint("searxng")


def test_a_key_that_is_needed_is_asked_for_by_its_setting(registry, make_clients):
    with pytest.raises(ConfigurationError, match="Set EXA_API_KEY"):
        registry.search(registry.endpoint("exa"), make_clients())


def test_what_a_provider_cannot_do_is_told_with_those_that_can(registry, make_clients):
    asked = registry.endpoint("exa", api_key=KEY)

    with pytest.raises(InvalidInput, match="is no provider that has models"):
        registry.models(asked, make_clients())


def test_models_are_served_as_searches_are(make_clients, module):
    text = """
from wiseflow.core.calls import CallKind
from wiseflow.providers.registry import ProviderSpec
SPEC = ProviderSpec(name="parrot", kinds=frozenset({CallKind.MODEL}), default_base="http://a.b",
                    key_required=False, make=lambda endpoint, clients: ("made", endpoint.provider))
"""
    registry = Registry([entry("parrot", f"{module('parrot_provider', text)}:SPEC")])

    made = registry.models(registry.endpoint("parrot"), make_clients())

    assert made == ("made", "parrot")
    assert isinstance(registry.spec("parrot"), ProviderSpec)
    with pytest.raises(InvalidInput, match="is no provider that searches"):
        registry.search(registry.endpoint("parrot"), make_clients())

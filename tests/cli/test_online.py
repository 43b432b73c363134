"""Commands that ask outside, against simulated providers: what they say, and what they refuse."""

import json
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wiseflow.app import Forecast
from wiseflow.app.checking import OPEN_SOURCES
from wiseflow.cli.announcing import render_endpoint, render_forecast, render_shortage
from wiseflow.core.configuration import Budget
from wiseflow.simulator.options import Model, SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

MODELS = (Model(name="sim-large"), Model(name="sim-small"))
BRIEF = ("--length", "brief", "--queries", "1")
REFUSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def sim():
    options = SimulatorOptions(time_scale=0.01, keys=("k-1", "tk-1"), models=MODELS)
    with SimulatorProcess(options) as running:
        yield running


@pytest.fixture
def environ(sim, monkeypatch):
    """The environment in which the simulator is the model, and Tavily the search."""
    given = {
        "LLM_API_BASE": sim.url("openai"),
        "LLM_API_KEY": "k-1",
        "PRIMARY_MODEL": "sim-large",
        "TAVILY_API_BASE": sim.url("tavily"),
        "TAVILY_API_KEY": "tk-1",
        "TAVILY_RATE_LIMIT": "100000",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "PROVIDER_OUTAGE_WAIT": "0",
        "RETRY_ATTEMPTS": "1",
        "RETRY_LIMIT": "1",
    }

    def set_them(**others):
        for name, value in {**given, **others}.items():
            monkeypatch.setenv(name, value)

    set_them()
    return set_them


@pytest.fixture(scope="module")
def topic():
    return World(1).topics[0].name


def test_a_topic_alone_is_researched_on_the_web_by_the_model_that_is_set_up(
    wiseflow, environ, sim, topic
):
    ended = wiseflow("research", topic, *BRIEF)

    said = ended.err.splitlines()
    assert ended.code == 0, ended.err
    assert said[0].startswith("A research takes about ")
    assert said[0].endswith(" USD.")
    assert f"Searching with tavily at {sim.address}." in said
    assert f"Asking llm:sim-large at {sim.address}." in said
    assert " calls, " in said[-1]
    assert " USD" in said[-1]
    assert "Written by llm:sim-large" in ended.out
    assert "- Models: llm:sim-large" in ended.out


def test_the_events_tell_what_was_spent_so_far(wiseflow, environ, topic):
    report = json.loads(wiseflow("research", topic, *BRIEF, "--json").out)

    events = wiseflow("jobs", "watch", report["id"], "--json").out.splitlines()

    costs = [cost for cost in (json.loads(one)["data"].get("cost") for one in events) if cost]
    assert len(costs) > 2
    assert costs == sorted(costs)
    assert 0 < costs[-1] <= report["facts"]["cost"]


def test_a_report_that_lost_parts_says_which(wiseflow, environ, topic):
    # Enough for the plan and some of the sections, with what is kept for the summary.
    ended = wiseflow("research", topic, *BRIEF, "--max-tokens", "7000", "--json")

    assert ended.code == 0, ended.err
    facts = json.loads(ended.out)["facts"]
    assert (facts["partial"], facts["stop_reason"]) == (True, "budget")
    assert "completed (partial)" in ended.err
    assert ended.err.count("    lost: The section “") == len(facts["lost"])
    assert "7,000 tokens may not be enough" in ended.err


def test_the_embedded_author_may_be_asked_for_and_documents_are_searched_when_named(
    wiseflow, environ
):
    ended = wiseflow("research", "Spring tides", "--docs", "papers", "--model", "extractive")

    assert ended.code == 0
    assert "No language model was used" in ended.out
    assert "Asking" not in ended.err
    assert "calls" not in ended.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--search", "tavily", "--collection", "c"], 4, "there is no collection 'c'"),
        (["--academic-source", "arxive"], 2, "Invalid value for '--academic-source'"),
        (["--time-range", "lately"], 2, "2020-01-01..2024-12-31"),
        (["--time-range", "2024..2020"], 2, "ends before it begins"),
        (["--search", "google"], 2, "Invalid value for '--search'"),
        (["--search", "exa"], 3, "Set EXA_API_KEY"),
        (["--model", "sim-large"], 2, "Write provider:model"),
        (["--model", "opneai:x"], 2, "Did you mean 'openai'?"),
        (["--model", "tavily:x"], 2, "is no provider that has models"),
        (["--model", "openai:gpt-4o"], 3, "Set OPENAI_API_KEY"),
        (["--max-cost", "0"], 2, "--max-cost"),
        (["--max-tokens", "-5"], 2, "--max-tokens"),
        (["--local-only", "--search", "tavily"], 2, "nothing is searched on the web"),
        (["--local-only", "--academic"], 2, "nothing is searched on the web"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_done(
    wiseflow, environ, sim, options, code, said
):
    sim.reset()

    ended = wiseflow("research", "Tides", *options)

    assert ended.code == code, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert "No researches" in wiseflow("jobs", "list").out
    assert sim.log() == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"LLM_API_KEY": "wrong"}, "Set LLM_API_KEY"),
        ({"TAVILY_API_KEY": "wrong"}, "Set TAVILY_API_KEY"),
        ({"PRIMARY_MODEL": "sim-huge"}, "has no model 'sim-huge'"),
        ({"LLM_API_BASE": REFUSED}, "Check LLM_API_BASE and the network"),
    ],
)
def test_a_provider_that_refuses_fails_the_research_with_the_setting_that_cures_it(
    wiseflow, environ, topic, settings, said
):
    environ(**settings)

    ended = wiseflow("research", topic, *BRIEF)

    assert ended.code == 1
    assert ended.out == ""
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_provider_that_is_waited_for_is_told_with_why_how_long_and_the_cure(
    wiseflow, environ, topic
):
    environ(LLM_API_BASE=REFUSED, PROVIDER_OUTAGE_WAIT="0.5")

    ended = wiseflow("research", topic, *BRIEF)

    assert ended.code == 1
    assert (
        "llm at http://127.0.0.1:9 takes no connection: its calls wait up to 0.5 s for it "
        "(PROVIDER_OUTAGE_WAIT). Check LLM_API_BASE and the network."
    ) in ended.err


def test_a_budget_of_money_needs_the_price(wiseflow, environ):
    environ(LLM_API_BASE="http://models.invalid/v1", PRIMARY_MODEL="nobodys-model")

    ended = wiseflow("research", "Tides", "--max-cost", "1")

    assert ended.code == 3
    assert "the price of llm:nobodys-model is not known" in ended.err
    assert "MODEL_FACTS" in ended.err


def test_config_check_says_what_would_be_asked_and_that_it_works(wiseflow, environ, sim):
    ended = wiseflow("config", "check")

    writing, searching, own, *others = (line.split() for line in ended.out.splitlines())
    assert ended.code == 0
    assert [one[3] for one in others] == list(OPEN_SOURCES)
    assert "https://export.arxiv.org" in others[0]
    assert all(" ".join(one).count("not asked now") for one in others)
    assert "Instant Answers only" in " ".join(others[-1])
    assert writing[:3] == ["writing", "llm:sim-large", sim.address]
    assert searching[:5] == ["searching", "the", "web", "tavily", sim.address]
    assert own == ["searching", "your", "own", "documents", "works"]


def test_config_check_as_json_tells_the_same(wiseflow, environ):
    checked = json.loads(wiseflow("config", "check", "--json").out)

    assert [one["works"] for one in checked] == [True] * 9
    assert [one["asked"] for one in checked] == [True] * 3 + [False] * 6


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"LLM_API_KEY": "wrong"}, "Set LLM_API_KEY"),
        ({"TAVILY_API_KEY": "wrong"}, "Set TAVILY_API_KEY"),
        ({"PRIMARY_MODEL": "sim-huge"}, "Set PRIMARY_MODEL to one of: sim-large, sim-small"),
        ({"LLM_API_BASE": REFUSED}, "Check LLM_API_BASE and the network"),
        ({"TAVILY_API_BASE": REFUSED}, "Check TAVILY_API_BASE and the network"),
        ({"LLM_API_BASE": "http://no-such-host.invalid"}, "its name cannot be looked up"),
        ({"LLM_API_BASE": "sim"}, "Set LLM_API_BASE to one that begins with https://"),
        ({"PRIMARY_MODEL": "openai:gpt-4o"}, "Set OPENAI_API_KEY"),
        ({"SECONDARY_MODEL": "anthropic:x"}, "Set ANTHROPIC_API_KEY"),
        (
            {"LLM_API_BASE": "http://10.255.255.1", "HTTPS_PROXY": REFUSED},
            "the proxy 127.0.0.1:9 takes no connection",
        ),
    ],
)
def test_config_check_names_what_does_not_work_with_its_cure(wiseflow, environ, settings, said):
    environ(**settings)

    ended = wiseflow("config", "check")

    assert ended.code == 1
    assert said in ended.out
    assert "does not work" in ended.out
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"TAVILY_RATE_LIMIT": "0"}, "TAVILY_RATE_LIMIT must be a number above 0"),
        ({"RATE_LIMITS": "llm: requests_per_minute=0"}, "RATE_LIMITS has a part"),
        ({"RATE_LIMITS": "lllm: concurrency=1"}, "RATE_LIMITS names 'lllm'"),
        ({"MODEL_FALLBACKS": "llm:a: nobody:b"}, "MODEL_FALLBACKS names 'nobody:b'"),
        ({"MODEL_FALLBACKS": "llm:a: exa:b"}, "exa cannot be asked for that"),
        ({"SEARCH_API_FALLBACKS": "tavily: exxa"}, "Did you mean 'exa'?"),
        ({"MODEL_FACTS": "nowhere.toml"}, "nowhere.toml cannot be read"),
        ({"HTTPS_PROXY": "proxy:3128"}, "Set HTTPS_PROXY"),
        ({"SSL_CERT_FILE": "nowhere.pem"}, "Set SSL_CERT_FILE"),
        ({"LLM_API_BASE": "", "LLM_API_KEY": "", "PRIMARY_MODEL": "opneai:x"}, "'openai'?"),
    ],
)
@pytest.mark.parametrize("command", [("config", "check"), ("research", "Tides")])
def test_a_setting_that_cannot_be_used_is_named(wiseflow, environ, command, settings, said):
    environ(OLLAMA_API_BASE=REFUSED, **settings)

    ended = wiseflow(*command)

    assert said in ended.out + ended.err
    assert ended.code in {1, 3}
    assert "Traceback" not in ended.out + ended.err


def test_a_price_that_is_not_known_is_told_as_unknown(wiseflow, environ, monkeypatch, tmp_path):
    facts = tmp_path / "prices.toml"
    facts.write_text('[[model]]\nname = "*"\nas_of = 2026-01-01\nsource = "me"\ninput_price = 1\n')
    environ(MODEL_FACTS=str(facts))
    assert "price is not known" not in wiseflow("config", "check").out

    environ(LLM_API_BASE="http://models.invalid/v1", MODEL_FACTS="")
    ended = wiseflow("research", "Tides", *BRIEF)

    assert "cost unknown, as the price of llm:sim-large is" in ended.err


def test_a_certificate_of_an_unknown_authority_is_told_with_its_cure(wiseflow, environ, tmp_path):
    with https_server(tmp_path) as port:
        environ(LLM_API_BASE=f"https://127.0.0.1:{port}/v1")
        ended = wiseflow("config", "check")

    assert ended.code == 1
    assert "shows a certificate that cannot be trusted" in ended.out
    assert "SSL_CERT_FILE" in ended.out


def test_a_proxy_that_refuses_is_told_with_its_cure(wiseflow, environ):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    with serving(server) as port:
        environ(LLM_API_BASE="https://models.invalid/v1", HTTPS_PROXY=f"http://127.0.0.1:{port}")
        ended = wiseflow("config", "check")

    assert ended.code == 1
    assert f"the proxy 127.0.0.1:{port} refuses" in ended.out
    assert "Check HTTPS_PROXY" in ended.out


def test_without_anything_set_up_it_says_who_writes_and_which_key_is_not_used(
    wiseflow, monkeypatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("OLLAMA_API_BASE", REFUSED)

    ended = wiseflow("config", "check")

    assert ended.code == 0
    assert "the embedded author" in ended.out
    assert "PRIMARY_MODEL=anthropic:MODEL" in ended.out


@pytest.mark.parametrize(
    ("expected", "budget", "lines"),
    [
        (
            Forecast(calls=5, tokens=12_345, cost=0.5),
            Budget(money=0.1, tokens=10_000),
            [
                "A research takes about 5 calls, 12,345 tokens, up to 0.5000 USD.",
                "0.1000 USD may not be enough for it: it then ends with what it has.",
                "10,000 tokens may not be enough for it: it then ends with what it has.",
            ],
        ),
        (
            Forecast(calls=1, tokens=2, cost=None, unpriced=("llm:x",)),
            Budget(),
            ["A research takes about 1 calls, 2 tokens, cost unknown, as the price of llm:x is."],
        ),
    ],
)
def test_a_forecast_is_told_with_the_budgets_that_may_not_be_enough(expected, budget, lines):
    assert [render_forecast(expected), *render_shortage(expected, budget)] == lines


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("llm", "Asking llm:a, llm:b at http://h."),
        ("anthropic", "Asking anthropic at http://h."),
        ("exa", "Searching with exa at http://h."),
        ("pages", "Fetching pages from the web."),
    ],
)
def test_who_is_asked_is_told_by_what_it_is_asked_for(provider, said):
    assert render_endpoint(provider, "http://h", ("llm:a", "llm:b", "exa")) == said


class Refusing(BaseHTTPRequestHandler):
    """A proxy that lets nobody through."""

    def do_CONNECT(self):
        self.send_error(403)

    def log_message(self, format, *args):  # noqa: A002 - by its base
        """Says nothing."""


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def https_server(folder):
    """A server with a certificate that it signed itself."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.handle_error = lambda request, client_address: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield port

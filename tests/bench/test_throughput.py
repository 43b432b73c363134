import json

import pytest

from wiseflow.app import open_application
from wiseflow.bench.processes import tree_memory_bytes, two_process_speed_up
from wiseflow.bench.startup import measure_startup
from wiseflow.bench.throughput import Plan, measure_research, read_topics
from wiseflow.core.errors import NotFound
from wiseflow.settings.loading import load_settings

DOCUMENTS = {
    "tides": "Tides are the rise and fall of sea levels caused by the Moon and the Sun.",
    "spring": "Spring tides come twice in a lunar month, when the Sun and the Moon are in a line.",
    "power": "Tidal power turns the energy of tides into electricity with turbines in a river.",
}
QUESTIONS = ["What are spring tides?", "What is tidal power?", "What causes tides?"]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "set"
    (folder / "dev").mkdir(parents=True)
    rows = [json.dumps({"id": name, "text": text}) for name, text in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows))
    queries = [json.dumps({"id": text, "text": text}) for text in QUESTIONS]
    (folder / "dev" / "queries.jsonl").write_text("\n".join(queries))
    return folder


async def test_every_level_is_measured_against_bare_loops_and_a_long_queue(data, tmp_path):
    settings = load_settings(environ={"WISEFLOW_DATA_DIR": str(tmp_path / "data")})
    plan = Plan(levels=(1, 2), rounds=1, queued=30, queued_s=1.0, loop_s=0.05)

    async with open_application(settings) as app:
        figures = await measure_research(app, data, plan)

    told = {(figure.subject, figure.measure): figure for figure in figures}
    assert told["--parallel 1", "failed"].value == 0
    assert told["--parallel 2, 3 topics", "researches a second"].value > 0
    assert told["two bare loops", "speed-up over one"].value > 0
    assert told["researches", "speed-up ÷ that of bare loops"].bar == 0.85
    assert told["30 queued topics", "memory on top, MiB (PSS)"].most == 200


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"queries\.jsonl"):
        read_topics(tmp_path)


def test_two_loops_do_something_and_the_memory_of_the_tree_is_told():
    assert two_process_speed_up(0.05) > 0
    assert tree_memory_bytes() > 1024 * 1024


def test_start_up_is_a_ratio_to_a_bare_interpreter():
    figures = measure_startup(rounds=1)

    ratios = {figure.subject: figure for figure in figures if "÷" in figure.measure}
    assert set(ratios) == {"wiseflow --help", "import wiseflow"}
    assert all(figure.most for figure in ratios.values())

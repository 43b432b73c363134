"""Whatever a body holds, it is answered as the document says, and never by a server error.

The full counts are in `proofs/fuzz_api.py`.
"""

import importlib.util
import json
import random
from pathlib import Path

import httpx2
import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings, strategies

from wiseflow.bench.service_process import ServiceProcess
from wiseflow.server.strict import MOST_DEPTH, read_json

ROOT = Path(__file__).resolve().parents[2]
VALUES = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats()
    | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
)  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service of its own: what is made up deletes collections and makes keys, too."""
    settings = {
        "WISEFLOW_DATA_DIR": str(tmp_path_factory.mktemp("fuzzed")),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
        # Keys that are made do not keep out those who have none.
        "API_LOCAL_ACCESS": "on",
    }
    with ServiceProcess(settings, parallel=1) as running:
        yield running


@pytest.fixture(scope="module")
def proof():
    """The proof, as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_api", ROOT / "proofs" / "fuzz_api.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(strategies.binary() | strategies.text().map(str.encode))
def test_reading_json_gives_a_value_or_says_why_not(body):
    try:
        read_json(body)
    except RequestValidationError as error:
        why = error.errors()[0]["msg"]
    else:
        why = "none"
    assert why


@given(VALUES)
def test_what_is_read_is_what_was_written(value):

    try:
        read = read_json(json.dumps(value).encode())
    except RequestValidationError:
        return
    assert read == value


@pytest.mark.parametrize(("depth", "taken"), [(MOST_DEPTH, True), (MOST_DEPTH + 1, False)])
def test_nesting_is_taken_up_to_its_bound(depth, taken):
    body = b"[" * depth + b"]" * depth

    if taken:
        read_json(body)
    else:
        with pytest.raises(RequestValidationError):
            read_json(body)


def test_malformed_bodies_are_refused(service, proof):
    statuses = proof.malformed(service.url, bodies=300, seed=7)

    assert max(statuses) < 500
    assert statuses[422] > statuses[400]


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_any_json_in_any_place_is_answered(service, value):
    for body in (
        {"topic": value},
        {"topic": "Tides", "metadata": {"own": value}, "tags": value},
        {"topic": "Tides", "configuration": value},
    ):
        answer = httpx2.post(
            f"{service.url}/api/v1/research/estimate",
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code < 500


def test_every_operation_answers_as_its_document_says(service, proof):
    assert proof.fuzzed(service.url, cases=3, seed=5, phases="fuzzing") == 0


def test_bad_bodies_are_the_same_by_the_same_seed(proof):
    assert proof.bad_body(random.Random(3)) == proof.bad_body(random.Random(3))

"""Asks every operation of the API what its document allows and what it does not, and bad bodies.

    python proofs/fuzz_api.py --cases 200 --bodies 10000 --seed 1

A service of its own answers; nothing may be a server error or differ from `openapi.json`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from wiseflow import Client, Synchronous
from wiseflow.bench.service_process import ServiceProcess

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "negative_data_rejection",
)
# What would take away what the others are asked for.
DELETIONS = ("delete_research", "delete_collection", "delete_file")
# What would have researches told to an address that is made up.
OUTWARD = ("add_webhook", "change_webhook")
PHASES = "examples,coverage,fuzzing"
# A stream that lasts as long as its research is no answer to wait for.
STREAM = "follow_events"
PIECES = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"\x00", b"\xff",
    b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"topic", b'"topic"',
    b'"Tides"', b'"configuration"', b'"metadata"', b'"tags"', b"[[[[[[[[", b"}}}}",
    b"\xe2\x80\xa8", b" " * 50,
]  # fmt: skip
GOOD = json.dumps(
    {
        "topic": "Tides",
        "configuration": {"budget": {"money": 1}},
        "tags": ["a"],
        "metadata": {"n": 1},
    }
).encode()
COLLECTION = "fuzzed"
DOCUMENT = b"# Tides\n\nTides of the sea rise and fall twice a day, as the Moon pulls the water.\n"
CONFIG = """
[parameters]
"path.research_id" = "{research_id}"
"path.source_id" = "{source_id}"
"path.collection" = "fuzzed"
"path.name" = "tides.md"
"query.collection" = "fuzzed"
"""
PLACES = (
    ("POST", "/api/v1/research"),
    ("POST", "/api/v1/research/parallel"),
    ("POST", "/api/v1/research/estimate"),
    ("POST", "/api/v1/research/x/follow-up"),
    ("POST", "/api/v1/research/x/ask"),
    ("PUT", "/api/v1/research/x/plan"),
    ("POST", "/api/v1/research/x/approve"),
    ("POST", "/api/v1/collections/x/files"),
)


def fuzzed(
    url: str, *, cases: int, seed: int, config: Path | None = None, phases: str = PHASES
) -> int:
    """The exit code of schemathesis over all operations.

    Args:
        url: of the service.
        cases: of each operation.
        seed: of what is made up.
        config: names a research that is there; nothing is then deleted, and it is followed, too.
        phases: which of schemathesis's.
    """
    passed_over = DELETIONS if config else (STREAM,)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *(["--config-file", str(config)] if config else []),
        "run", f"{url}/api/v1/openapi.json", "--url", url, "--max-examples", str(cases),
        "--seed", str(seed), "--checks", ",".join(CHECKS), "--phases", phases,
        *(f"--exclude-operation-id={name}" for name in (*OUTWARD, *passed_over)),
        "--generation-database", "none", "--request-timeout", "60", "--no-color",
    ]  # fmt: skip
    return subprocess.run(command, check=False).returncode


def a_research(url: str) -> tuple[str, str]:
    """The ids of a research with a report, and of a source of it."""
    asked = {"collection": COLLECTION}
    with Synchronous(Client(url)) as client:
        client.upload_files(COLLECTION, {"tides.md": DOCUMENT})
        research = client.submit_research("Tides of the sea", asked)
        client.wait(research.job_id, timeout_s=120)
        [source] = client.list_sources(research.job_id)
        return research.job_id, source.id


def bad_body(chance: random.Random) -> bytes:
    """A body that is bad JSON, bad for the operation, or no JSON at all."""
    kind = chance.randrange(3)
    if kind == 0:
        return b"".join(chance.choices(PIECES, k=chance.randint(0, 30)))
    body = bytearray(GOOD)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(body) + 1)
        piece = chance.choice(PIECES) if kind == 1 else bytes([chance.randrange(256)])
        body[place : place + chance.randint(0, 8)] = piece
    return bytes(body)


def malformed(url: str, *, bodies: int, seed: int) -> Counter[int]:
    """How often each status was answered to bodies that are malformed."""
    chance, found = random.Random(seed), Counter[int]()
    address = urlsplit(url)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    for _ in range(bodies):
        method, path = chance.choice(PLACES)
        kind = chance.choices(
            ["application/json", "multipart/form-data; boundary=x", ""], [8, 1, 1]
        )
        connection.request(method, path, bad_body(chance), {"Content-Type": kind[0]})
        answer = connection.getresponse()
        answer.read()
        found[answer.status] += 1
    connection.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200, help="of each operation")
    parser.add_argument("--bodies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Keys are made, too, and must not keep the proof itself out.
        settings = {
            "WISEFLOW_DATA_DIR": folder,
            "LOCAL_ONLY": "true",
            "API_LOCAL_ACCESS": "on",
            "API_REQUESTS_PER_MINUTE": "0",
        }
        with ServiceProcess(settings, parallel=1) as service:
            research_id, source_id = a_research(service.url)
            statuses = malformed(service.url, bodies=given.bodies, seed=given.seed)
            print(f"{given.bodies} malformed bodies: {dict(sorted(statuses.items()))}", flush=True)
            broken = fuzzed(service.url, cases=given.cases, seed=given.seed)
            config = Path(folder) / "schemathesis.toml"
            config.write_text(CONFIG.format(research_id=research_id, source_id=source_id))
            broken |= fuzzed(service.url, cases=given.cases, seed=given.seed, config=config)
    errors = sum(count for status, count in statuses.items() if status >= 500)
    print(f"server errors on malformed bodies: {errors}; schemathesis: {broken}")
    return 1 if errors or broken else 0


if __name__ == "__main__":
    sys.exit(main())

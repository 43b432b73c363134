"""A model server that is not ours answers a linear research over documents, by JSON schemas, too.

The server is that of llama-cpp-python, compiled into an environment of its own, which is kept; the
model is a tiny one that this proof makes (``tiny_model.py``). ``wiseflow config check`` has to find
it well, and ``wiseflow research`` has to end with a whole report in as few calls as it needs: the
plan, a section, the summary. What the server does not know (``json_schema``) is asked otherwise.

    python proofs/third_party_server.py --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("llama-cpp-python[server]==0.3.36", "gguf==0.19.0")
# Only what is needed, not optimised for this processor: that halves the time it takes.
COMPILE = "-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O1"
COMPILE_S, START_S, RUN_S = 3600.0, 120.0, 300.0
CONTEXT = 8192
MODEL = "tiny"
CALLS = 3
FACTS = f"""[[model]]
provider = "*"
name = "*"
context_tokens = {CONTEXT}
max_output_tokens = 2000
as_of = 2026-11-21
source = "the server's own setting"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--environment", type=Path, default=Path(".third-party"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    python = environment(options.environment)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "tiny.gguf"
        make = [python, ROOT / "proofs" / "tiny_model.py", model, str(options.seed)]
        subprocess.run(make, check=True, timeout=START_S)
        with server(python, model, folder / "server.log") as address:
            wrong = prove(folder, address)
    for line in wrong:
        print("  " + line)
    print("llama-cpp-python answers a linear research" if not wrong else "it does not")
    sys.exit(1 if wrong else 0)


def environment(folder: Path) -> Path:
    """The interpreter of the server's environment, made where it is not there yet."""
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *PACKAGES],
            env={**os.environ, "CMAKE_ARGS": COMPILE},
            check=True,
            timeout=COMPILE_S,
        )
        ready.touch()
    return python


@contextmanager
def server(python: Path, model: Path, log: Path) -> Iterator[str]:
    """The address of the server while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "llama_cpp.server", "--model", model, "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--n_ctx", str(CONTEXT), "--model_alias", MODEL],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/v1/models", process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def prove(folder: Path, address: str) -> list[str]:
    """What is wrong."""
    facts = folder / "facts.toml"
    facts.write_text(FACTS, encoding="utf-8")
    settings = {
        "WISEFLOW_DATA_DIR": str(folder / "data"),
        "MODEL_FACTS": str(facts),
        "LLM_API_BASE": address,
        "LLM_API_KEY": "any",
        "PRIMARY_MODEL": MODEL,
    }
    checked = wiseflow(settings, "config", "check")
    topic = ("How are stopped researches resumed?", "--docs", str(ROOT / "docs"))
    done = wiseflow(settings, "research", *topic, "--length", "brief", "--json")
    wrong = [
        f"{what} ended with {process.returncode}: {process.stdout}{process.stderr}"
        for what, process in (("config check", checked), ("the research", done))
        if process.returncode
    ]
    log = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
    answered = log.count('"POST /v1/chat/completions HTTP/1.1" 200')
    return wrong or [*faults_of(json.loads(done.stdout)), *calls_of(answered)]


def wiseflow(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wiseflow", *arguments],
        env={**os.environ, **settings},
        cwd=settings["WISEFLOW_DATA_DIR"].removesuffix("/data"),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S,
    )


def faults_of(report: Mapping) -> list[str]:
    claims = [claim for part in report["sections"] for claim in part["claims"]]
    told = {
        "it is not complete": report["status"] != "completed" or report["facts"]["partial"],
        "no model wrote it": report["author"]["kind"] != "model",
        "it claims nothing": not claims or not report["summary"],
        "a claim cites nothing": not all(claim["citations"] for claim in claims),
    }
    return [what for what, is_so in told.items() if is_so]


def calls_of(answered: int) -> list[str]:
    return [] if answered == CALLS else [f"{answered} calls were answered, not {CALLS}"]


if __name__ == "__main__":
    main()

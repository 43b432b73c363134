"""A server that is not ours answers a research: it speaks the protocol as others understand it.

Installs llama-cpp-python's server, which speaks as OpenAI's does, into an environment of its own
(it is compiled, which takes minutes once), writes a tiny random model for it, and starts it with a
key. Then ``config check`` has to find that the key is taken, and a wrong one refused; and a linear
research over documents has to ask it for a plan and the rest. As the model is random, what it
writes makes no sense. So the research may end with a report, or with the error of answers that are
not of the form; but each request has to be understood: at the end, the server has answered with
HTTP 200 to all but those that showed which forms of structured output it does not know. What it
answered where JSON was asked for has to be JSON.

    python proofs/third_party_server.py --environment .third-party
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

PACKAGES = ("llama-cpp-python[server]==0.3.36", "gguf==0.19.0")
# Without what a server needs not, and unoptimised: a tiny model is quick as it is.
COMPILED = (
    "-DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF "
    "-DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_COMMON=OFF -DLLAMA_CURL=OFF -DGGML_NATIVE=OFF "
    "-DGGML_LLAMAFILE=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_C_FLAGS_RELEASE=-O1"
)
COMPILE_LIMIT_S = 1800
START_LIMIT_S = 60.0
RUN_LIMIT_S = 300.0
KEY = "k-third-party"
MODEL = "tiny"
CONTEXT = "32768"
FORMS_UNKNOWN = 1  # of structured output: it knows no JSON schema in OpenAI's words
ANSWERED = re.compile(r'"POST /v1/chat/completions HTTP/1\.1" (\d+)')
TIDES = (
    "# Tides\n\nSpring tides occur when the Sun and the Moon are in line. They are the largest "
    "tides of the month.\n\nNeap tides occur at the quarter phases of the Moon.\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--environment", type=Path, default=Path(".third-party"))
    environment = parser.parse_args().environment.absolute()
    begun = time.monotonic()
    python = install(environment)
    installed_s = time.monotonic() - begun
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        model = folder / "tiny.gguf"
        script = Path(__file__).with_name("tiny_model.py")
        subprocess.run([python, str(script), str(model)], check=True, timeout=RUN_LIMIT_S)
        with serving(python, model, folder / "server.log") as address:
            wrong, figures = ask(folder, address)
    print(
        f"llama-cpp-python's server ({installed_s:.0f} s to install): {figures}; "
        f"broken promises: {len(wrong)}"
    )
    for line in wrong:
        print(f"  {line}")
    sys.exit(1 if wrong else 0)


def install(environment: Path) -> str:
    """The Python of an environment with the server; made when it is not there."""
    python = str(environment / "bin" / "python")
    imported = [python, "-c", "import gguf, llama_cpp.server.app"]
    try:
        if subprocess.run(imported, capture_output=True, check=False).returncode == 0:
            return python
    except FileNotFoundError:
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *PACKAGES],
        env={**os.environ, "CMAKE_ARGS": COMPILED, "PYTHONPATH": ""},
        check=True,
        timeout=COMPILE_LIMIT_S,
    )
    return python


@contextmanager
def serving(python: str, model: Path, log: Path) -> Iterator[str]:
    """The address of the server with a model, while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "--model": model, "--model_alias": MODEL, "--host": "127.0.0.1", "--port": port,
        "--n_ctx": CONTEXT, "--api_key": KEY, "--seed": 1,
    }  # fmt: skip
    flat = [str(part) for pair in options.items() for part in pair]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [python, "-m", "llama_cpp.server", *flat],
            env={**os.environ, "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}/v1"
    try:
        wait_for(f"{address}/models", server, log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {KEY}"})
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"the server does not start: {log.read_text(encoding='utf-8')[-2000:]}")


def ask(folder: Path, address: str) -> tuple[list[str], str]:
    """What is wrong, and the figures."""
    (folder / "tides.md").write_text(TIDES, encoding="utf-8")
    wrong: list[str] = []
    check = wiseflow(folder, address, ("config", "check"))
    if check.returncode or "the key is taken" not in check.stdout:
        wrong.append(f"config check: {check.stdout}{check.stderr}")
    refused = wiseflow(folder, address, ("config", "check"), key="k-wrong")
    if refused.returncode != 1 or "refuses the key" not in refused.stdout:
        wrong.append(f"config check with a wrong key: {refused.stdout}{refused.stderr}")
    topic = "When do spring tides occur?"
    options = ("--docs", "tides.md", "--local-only", "--length", "brief", "--queries", "1")
    begun = time.monotonic()
    research = wiseflow(folder, address, ("research", topic, *options, "--out", "out"))
    seconds = time.monotonic() - begun
    told = research.stdout + research.stderr
    written = any(folder.glob("out/*.json"))
    if not written and "no answer of the form" not in told:
        wrong.append(f"the research: {told[-1500:]}")
    structured = answers_in_json(folder / "data" / "wiseflow.db")
    if not structured or not all(map(is_json, structured)):
        wrong.append(f"answers that are not JSON: {structured}")
    log = (folder / "server.log").read_text(encoding="utf-8")
    statuses = [int(status) for status in ANSWERED.findall(log)]
    refusals = sum(status != 200 for status in statuses)
    if not statuses or refusals > FORMS_UNKNOWN or statuses[-1] != 200:
        wrong.append(f"the server answered {statuses}")
    end = "a report" if written else "the error of answers that are not of the form"
    return wrong, (
        f"{len(statuses)} requests of one research, {refusals} of them refused for their form and "
        f"asked in another; {len(structured)} answers of structured output, all JSON; "
        f"it ended with {end}, in {seconds:.1f} s"
    )


def answers_in_json(database: Path) -> list[str]:
    """What was answered where JSON was asked for: all but the last way, which asks for lines."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT result FROM steps WHERE step_key LIKE 'call/%' AND step_key NOT LIKE "
            "'%/simpler/%'"
        ).fetchall()
    return [json.loads(result)["value"]["text"] for (result,) in rows]


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def wiseflow(
    folder: Path, address: str, arguments: Sequence[str], key: str = KEY
) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
    settings = {
        "LLM_API_BASE": address,
        "LLM_API_KEY": key,
        "PRIMARY_MODEL": MODEL,
        "RETRY_LIMIT": "1",
        "PROVIDER_OUTAGE_WAIT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "wiseflow", *arguments],
        cwd=folder,
        env={name: os.environ[name] for name in kept if name in os.environ} | settings,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )


if __name__ == "__main__":
    main()

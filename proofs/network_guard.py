"""What must stay on this machine stays: nothing but loopback is looked up, connected or sent to.

Each case runs the command as a process. An audit hook in it and in all Python processes it starts
(a ``sitecustomize`` module that comes first on their path) writes down each ``socket.connect``,
``socket.getaddrinfo``, ``socket.sendto`` and the like, and refuses those that lead elsewhere. With
``--local-only``, and for a private collection, no address but loopback may be written down, and the
command has to say why, or to work with what is here. A case that may go out shows that the guard
sees it.

    python proofs/network_guard.py
"""

from __future__ import annotations

import argparse
import http.server
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

RUN_LIMIT_S = 60.0
# Source: RFC 5737: addresses that are nobody's, and RFC 6761: a name that never resolves.
ELSEWHERE = "http://198.51.100.7:8000/v1"
NAMED = "https://models.example.invalid/v1"
TOPIC = "When do spring tides occur?"
TIDES = (
    "# Tides\n\nSpring tides occur when the Sun and the Moon are in line. They are the largest "
    "tides of the month.\n\nNeap tides occur at the quarter phases of the Moon.\n"
)
GUARD = """
import os, sys

HERE = ("127.", "::1", "localhost", "0.0.0.0", "::")

def watch(event, arguments):
    match event:
        case "socket.connect" | "socket.sendto" | "socket.bind":
            address = arguments[1]
        case "socket.sendmsg":
            address = arguments[1]
        case "socket.getaddrinfo" | "socket.gethostbyname":
            address = (arguments[0],)
        case _:
            return
    if not isinstance(address, tuple):  # a local socket, or one that is connected already
        return
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0])
    with open(os.environ["GUARD_LOG"], "a") as log:
        print(event, host, file=log)
    if event != "socket.bind" and not host.startswith(HERE):
        raise OSError("no network here")

sys.addaudithook(watch)
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One command, and what is expected of it.

    Args:
        name: what it shows.
        arguments: of ``wiseflow``.
        settings: of its environment.
        code: how it has to end; ``None`` for any way but 0.
        said: words of what it has to say.
        goes_out: whether it may, and does, ask elsewhere.
    """

    name: str
    arguments: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    code: int | None = 0
    said: str = ""
    goes_out: bool = False


def cases(model: str, redirecting: str) -> Iterator[Case]:
    """All cases.

    Args:
        model: the address of a model on this machine.
        redirecting: that of one that sends its callers elsewhere.
    """
    key = {"LLM_API_KEY": "k-1", "PRIMARY_MODEL": "sim-large"}
    once = {"RETRY_ATTEMPTS": "1", "RETRY_LIMIT": "1", "PROVIDER_OUTAGE_WAIT": "0"}
    away, here = key | {"LLM_API_BASE": ELSEWHERE}, key | {"LLM_API_BASE": model}
    tavily = {"TAVILY_API_KEY": "t-1"}
    docs = ("research", TOPIC, "--docs", "papers")
    private = ("research", TOPIC, "--collection", "kept")
    local = "--local-only"
    asked = ("--model", "llm:sim-large")
    yield Case(
        name="the guard sees a model elsewhere",
        arguments=docs, settings=away | once, code=1, goes_out=True,
    )  # fmt: skip
    yield Case(
        name="local only, a model elsewhere by default",
        arguments=(*docs, local), settings=away, said="the embedded author writes",
    )  # fmt: skip
    yield Case(
        name="local only, a model elsewhere that is named",
        arguments=(*docs, local, *asked), settings=away, code=2, said="LOCAL_ONLY is set",
    )  # fmt: skip
    yield Case(
        name="local only, a model elsewhere by its name",
        arguments=(*docs, local, *asked), settings=away | {"LLM_API_BASE": NAMED},
        code=2, said="models.example.invalid",
    )  # fmt: skip
    yield Case(
        name="local only, a search elsewhere",
        arguments=("research", TOPIC, local, "--search", "tavily"), settings=tavily,
        code=2, said="nothing is searched on the web",
    )  # fmt: skip
    yield Case(
        name="local only, everything asked of what is set up elsewhere",
        arguments=("config", "check"), settings=away | tavily | {"LOCAL_ONLY": "true"}, code=1,
        said="LOCAL_ONLY",
    )  # fmt: skip
    yield Case(
        name="local only, Redis elsewhere",
        arguments=(*docs, local),
        settings=here | once | {"LIMIT_STORE": "redis", "REDIS_HOST": "198.51.100.7"},
        code=3, said="REDIS_HOST names another machine",
    )  # fmt: skip
    yield Case(
        name="local only, a database elsewhere",
        arguments=(*docs, local), settings={"DATABASE_URL": "postgresql://u@198.51.100.7/w"},
        code=3, said="LOCAL_ONLY",
    )  # fmt: skip
    yield Case(
        name="local only, a model here behind a proxy elsewhere",
        arguments=(*docs, local),
        settings=here | once
        | {"LLM_API_BASE": "https://127.0.0.1:9/v1", "HTTPS_PROXY": "http://198.51.100.7:3128"},
        code=1,
    )  # fmt: skip
    yield Case(
        name="local only, a model here that redirects elsewhere",
        arguments=(*docs, local), settings=here | once | {"LLM_API_BASE": redirecting}, code=1,
    )  # fmt: skip
    yield Case(name="local only, a model here", arguments=(*docs, local), settings=here)
    yield Case(
        name="a private collection, a model elsewhere by default",
        arguments=private, settings=away, said="never leaves this machine",
    )  # fmt: skip
    yield Case(
        name="a private collection, a model elsewhere that is named",
        arguments=(*private, *asked), settings=away, code=2, said="never leaves this machine",
    )  # fmt: skip
    yield Case(
        name="a private collection, a stand-in elsewhere",
        arguments=private,
        settings=key | once | {"LLM_API_BASE": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "k-2",
                               "SECONDARY_MODEL": "openai:gpt-4o"},
        code=1,
    )  # fmt: skip
    yield Case(name="a private collection, a model here", arguments=private, settings=here)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="", help="cases whose names hold this")
    only = parser.parse_args().only
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work,
        SimulatorProcess(SimulatorOptions(time_scale=0.01)) as simulator,
        sent_elsewhere() as redirecting,
    ):
        folder = prepare(Path(work))
        chosen = [one for one in cases(simulator.url("openai"), redirecting) if only in one.name]
        tried = {one.name: try_case(folder, one) for one in chosen}
    wrong = {name: line for name, (_, line) in tried.items() if line}
    addresses = sum(count for count, _ in tried.values())
    print(
        f"{len(tried)} cases, {addresses} addresses on this machine were connected to or looked "
        f"up; cases that sent elsewhere, did not say why, or did not work: {len(wrong)}"
    )
    for name, line in wrong.items():
        print(f"  {name}: {line}")
    sys.exit(1 if wrong else 0)


def prepare(folder: Path) -> Path:
    """Documents, a private collection of them, and the guard."""
    (folder / "papers").mkdir()
    (folder / "papers" / "tides.md").write_text(TIDES, encoding="utf-8")
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    done = run(folder, ("index", "papers", "--collection", "kept", "--private"), {})
    if done.returncode:
        raise SystemExit(done.stderr)
    return folder


def run(
    folder: Path, arguments: tuple[str, ...], settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    paths = [str(folder / "guard"), os.environ.get("PYTHONPATH", "")]
    guarded = {"GUARD_LOG": str(folder / "guard.log"), "PYTHONPATH": ":".join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, "-m", "wiseflow", *arguments],
        cwd=folder,
        env={**kept, **guarded, **settings},
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )


def try_case(folder: Path, case: Case) -> tuple[int, str]:
    """How many addresses here were asked, and what is wrong, or ""."""
    log = folder / "guard.log"
    log.unlink(missing_ok=True)
    try:
        done = run(folder, case.arguments, case.settings)
    except subprocess.TimeoutExpired as error:
        return 0, f"it does not end: {(error.stderr or b'').decode()[-700:]}"
    told = done.stdout + done.stderr
    asked = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    elsewhere = [line for line in asked if not is_here(line.split()[-1])]
    wrong: list[str] = []
    if bool(elsewhere) is not case.goes_out:
        wrong.append(f"elsewhere: {elsewhere}")
    if (done.returncode == 0) if case.code is None else (done.returncode != case.code):
        wrong.append(f"exit {done.returncode}")
    if case.said not in told or "Traceback" in told:
        wrong.append("it does not say why")
    return len(asked) - len(elsewhere), "; ".join([*wrong, told[-700:]] if wrong else [])


def is_here(host: str) -> bool:
    if host in {"localhost", "None"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@contextmanager
def sent_elsewhere() -> Iterator[str]:
    """The address of a model on this machine that sends its callers elsewhere."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


class Redirecting(http.server.BaseHTTPRequestHandler):
    """Sends everybody elsewhere."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"error": {"message": "moved"}}).encode()
        self.send_response(307)
        self.send_header("Location", f"{ELSEWHERE}/chat/completions")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


if __name__ == "__main__":
    main()

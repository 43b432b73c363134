"""Secrets are nowhere but in the header that needs them, whatever goes wrong.

Each case sets a canary of its own, a random word, in every setting that holds a secret: all keys
of providers, the passwords of Redis, the database and the proxy, and those in addresses. Then it
runs a research, ``config check`` and ``config show`` at LOG_LEVEL=DEBUG, with logs as text and as
JSON, against a simulator that answers, refuses, fails, hangs, or repeats what was sent to it.
Afterwards no canary may stand in what the commands printed or in any file they wrote: logs, the
database with its journal, events and errors, and reports; nor in what was sent to the providers,
but in the headers that carry a key.

    python proofs/canary_secrets.py
"""

from __future__ import annotations

import argparse
import base64
import http.server
import os
import random
import re
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eavesdropping import Echoing, Relay, threaded

from wiseflow.settings.registry import SETTINGS
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

RUN_LIMIT_S = 120.0
USED = 2  # keys at least, of a model and of a search, in a research that ends well
CLOSED = "http://127.0.0.1:9"  # where nobody listens
# Who is told to come later, always, comes later: the time limit ends that.
BRIEF = ("--length", "brief", "--queries", "1", "--time-limit", "30")
OF_A_KEY = re.compile(rb"(?im)^(?:(?:proxy-)?authorization|x-api-key|api-key):[^\r\n]*\r?\n")
ADDRESSES = ("LLM", "OPENAI", "ANTHROPIC", "TAVILY", "EXA", "PERPLEXITY")
BASE = {
    "PRIMARY_MODEL": "sim-large",
    "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TAVILY_RATE_LIMIT": "100000",
    "EXA_RATE_LIMIT": "100000",
    "PROVIDER_OUTAGE_WAIT": "0",
    "RETRY_DELAY": "0.1",
    "RETRY_ATTEMPTS": "2",
    "RETRY_LIMIT": "1",
    "LOG_LEVEL": "DEBUG",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way that things go.

    Args:
        name: of it.
        faults: what the simulator does, each always.
        settings: more of them; ``CANARY`` in a value stands for one more canary.
        ends_well: whether the research ends with a report; its keys are then used.
        elsewhere: the address of another server in place of the simulator.
    """

    name: str
    faults: tuple[FaultKind, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    ends_well: bool = False
    elsewhere: str = ""


def cases(echoing: str) -> Iterator[Case]:
    """All cases; ``echoing`` is the address of a server that repeats what it was sent."""
    yield Case(name="all answer", ends_well=True)
    other = {"PRIMARY_MODEL": "anthropic:sim-large", "TAVILY_API_KEY": ""}
    yield Case(name="others answer", settings=other, ends_well=True)
    yield Case(name="the key has expired", faults=(FaultKind.KEY_EXPIRED,))
    yield Case(name="the quota is spent", faults=(FaultKind.QUOTA_SPENT,))
    yield Case(name="429", faults=(FaultKind.RATE_LIMITED_SILENTLY,))
    yield Case(name="500", faults=(FaultKind.SERVER_ERROR,))
    yield Case(name="reset", faults=(FaultKind.RESET,))
    yield Case(name="truncated", faults=(FaultKind.TRUNCATED,))
    yield Case(name="hang", faults=(FaultKind.HANG,), settings={"API_TIMEOUT": "0.5"})
    yield Case(name="refused connection", elsewhere=CLOSED)
    yield Case(name="a server that repeats the key", elsewhere=echoing)
    proxy = echoing.replace("http://", "http://user:CANARY@")
    secure = dict.fromkeys(
        (f"{name}_API_BASE" for name in ADDRESSES), "https://user:CANARY@provider.example.org/v1"
    )
    yield Case(name="a proxy that refuses", settings={**secure, "HTTPS_PROXY": proxy})
    yield Case(
        name="a proxy that nobody runs",
        settings={**secure, "HTTPS_PROXY": "http://user:CANARY@127.0.0.1:9"},
    )
    yield Case(
        name="a database that refuses",
        settings={"DATABASE_URL": "postgresql://user:CANARY@127.0.0.1:9/wiseflow"},
    )
    yield Case(name="no database", settings={"DATABASE_URL": "mysql://user:CANARY@127.0.0.1/w"})
    yield Case(name="a key that no header can hold", settings={"LLM_API_KEY": "CANARY key"})
    yield Case(name="an address that is none", settings={"LLM_API_BASE": "ftp://u:CANARY@host"})


class Canaries:
    """Random words, each given out once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.given: list[str] = []

    def another(self) -> str:
        word = "".join(self._chance.choices(string.ascii_letters + string.digits, k=36))
        self.given.append(word)
        return word

    def in_all_secrets(self) -> dict[str, str]:
        """Every setting that is declared as a secret, with a canary of its own."""
        return {one.name: self.another() for one in SETTINGS if one.secret}

    def planted(self, value: str) -> str:
        return value.replace("CANARY", self.another()) if "CANARY" in value else value


def forms(canary: str) -> Iterator[bytes]:
    """The canary as it may stand anywhere: plain, and inside base64."""
    yield canary.encode()
    for shift in range(3):  # its place within what is encoded
        encoded = base64.b64encode(b"\0" * shift + canary.encode())
        yield encoded[4 if shift else 0 : -4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose names hold this")
    options = parser.parse_args()
    begun = time.monotonic()
    canaries = Canaries(random.Random(options.seed))
    found: list[str] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work,
        SimulatorProcess(SimulatorOptions(time_scale=0.01)) as simulator,
        threaded(http.server.ThreadingHTTPServer, Echoing) as echoing,
    ):
        chosen = [one for one in cases(echoing) if options.only in one.name]
        for number, case in enumerate(chosen):
            trial = Trial(Path(work) / str(number), case, canaries)
            found += [f"{case.name}: {line}" for line in trial.run(simulator)]
    print(
        f"{len(canaries.given)} canaries in {len(chosen)} cases of 3 commands; places where one "
        f"was found, or that did not end as they should: {len(found)}; "
        f"{time.monotonic() - begun:.0f} s"
    )
    for line in found:
        print(f"  {line}")
    sys.exit(1 if found else 0)


class Trial:
    """One case in a folder of its own."""

    def __init__(self, folder: Path, case: Case, canaries: Canaries) -> None:
        folder.mkdir()
        before = len(canaries.given)
        self._folder = folder
        self._case = case
        self._settings = canaries.in_all_secrets()
        self._more = {name: canaries.planted(value) for name, value in case.settings.items()}
        self._canaries = canaries.given[before:]

    def run(self, simulator: SimulatorProcess) -> list[str]:
        """What is wrong."""
        rates = tuple(FaultRate(kind=kind, rate=1.0) for kind in self._case.faults)
        simulator.set_faults(FaultPlan(rates=rates))
        relay = Relay(simulator.address)
        with relay.listening() as address:
            bases = self._bases(simulator, self._case.elsewhere or address)
            environment = {**BASE, **self._settings, **bases, **self._more}
            printed = [self._command(name, environment) for name in ("research", "check", "show")]
        wrong: list[str] = []
        if self._ended_well() is not self._case.ends_well:
            wrong.append(f"it ended otherwise: {printed[0][-500:].decode()}")
        heard = relay.heard()
        if self._case.ends_well and sum(one.encode() in heard for one in self._canaries) < USED:
            wrong.append("its keys were not used, so it shows nothing")
        places = {"printed": b"".join(printed), "sent": OF_A_KEY.sub(b"", heard)}
        places |= {
            str(path.relative_to(self._folder)): path.read_bytes()
            for path in self._folder.rglob("*")
            if path.is_file()
        }
        for place, content in places.items():
            wrong += [
                f"a canary in {place}: {name}"
                for name, canary in self._named().items()
                if any(form in content for form in forms(canary))
            ]
        return wrong

    def _bases(self, simulator: SimulatorProcess, address: str) -> dict[str, str]:
        known = simulator.settings()
        return {
            name: value.replace(simulator.address, address)
            for name, value in known.items()
            if name.removesuffix("_API_BASE") in ADDRESSES
        }

    def _command(self, command: str, environment: Mapping[str, str]) -> bytes:
        topic = World().topics[0].name
        arguments = {
            "research": ("research", topic, "--out", "out", *BRIEF),
            "check": ("config", "check"),
            "show": ("config", "show", "--all"),
        }[command]
        kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
        done = subprocess.run(
            [sys.executable, "-m", "wiseflow", *arguments],
            cwd=self._folder,
            env={
                **{name: os.environ[name] for name in kept if name in os.environ},
                **environment,
                "LOG_FORMAT": "json" if command == "check" else "text",
            },
            capture_output=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        return done.stdout + done.stderr

    def _ended_well(self) -> bool:
        return any(self._folder.glob("out/*.json"))

    def _named(self) -> dict[str, str]:
        names = [*self._settings, *(name for name in self._more if self._was_planted(name))]
        return dict(zip(names, self._canaries, strict=True))

    def _was_planted(self, name: str) -> bool:
        return "CANARY" in self._case.settings[name]


if __name__ == "__main__":
    main()

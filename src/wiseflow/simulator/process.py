"""A simulator in a process of its own, so that it does not share the interpreter it measures."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.simulator.calls import encode
from wiseflow.simulator.faults import FaultPlan
from wiseflow.simulator.limits import Limit
from wiseflow.simulator.options import SimulatorOptions

END_S = 10.0  # real seconds that it may take to end
ANSWER_S = 30.0
_OPTIONS = TypeAdapter(SimulatorOptions)


class SimulatorProcess:
    """A simulator in a child process while it is entered; when this process dies, so does it.

    ::

        with SimulatorProcess(SimulatorOptions(time_scale=0.1)) as sim:
            base = sim.url("openai")

    Args:
        options: what it does.

    Raises:
        InvalidInput: on entering, it cannot start.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self._options = options or SimulatorOptions()
        self._child: subprocess.Popen[bytes] | None = None
        self._told: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "wiseflow.simulator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            self._told = self._start(self._child)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Of the child.

        Raises:
            Conflict: it does not run.
        """
        if self._child is None:
            raise Conflict("the simulator does not run", cure="Enter it: with SimulatorProcess() …")
        return self._child.pid

    @property
    def address(self) -> str:
        """Of the simulator, as ``http://127.0.0.1:8080``."""
        return str(self._told["address"])

    def url(self, provider: str) -> str:
        """The base address of a provider."""
        return str(self._told["providers"][provider])

    def settings(self) -> Mapping[str, str]:
        """Names and values of settings that make a program use the simulator."""
        return dict(self._told["settings"])

    def log(self) -> Sequence[Mapping[str, Any]]:
        """The fields of ``log.Entry`` of every request that ended."""
        return [json.loads(line) for line in self._ask("GET", "log").splitlines()]

    def stats(self, window_s: float = 60.0) -> Sequence[Mapping[str, Any]]:
        """The fields of ``log.Stat`` by provider and key."""
        found: list[Mapping[str, Any]] = json.loads(
            self._ask("GET", f"stats?window_s={window_s:g}")
        )
        return found

    def set_faults(self, plan: FaultPlan) -> None:
        """Let other things go wrong; the plan's times count from now."""
        self._ask("POST", "faults", encode(asdict(plan)))

    def set_limits(self, *limits: Limit) -> None:
        """Put these limits in place of all others, with nothing counted yet."""
        self._ask("POST", "limits", encode([asdict(one) for one in limits]))

    def reset(self) -> None:
        """Forget the log and what was counted."""
        self._ask("POST", "reset")

    def _start(self, child: subprocess.Popen[bytes]) -> Mapping[str, Any]:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(encode(asdict(self._options)) + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
        told: Mapping[str, Any] = json.loads(line) if line else {"error": "it ended at once"}
        if "error" in told:
            raise InvalidInput(f"the simulator did not start: {told['error']}")
        return told

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        try:
            child.communicate(timeout=END_S)  # the end of its input tells it to end
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        place = self.address.removeprefix("http://")
        connection = http.client.HTTPConnection(place, timeout=ANSWER_S)
        try:
            connection.request(method, f"/_simulator/{path}", body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise InvalidInput(f"the simulator answered: {text.decode()}")
        return text


def parse_options(line: bytes) -> SimulatorOptions:
    """Options from JSON.

    Raises:
        InvalidInput: they are none.
    """
    try:
        return _OPTIONS.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"these are no options of the simulator ({place}: {first['msg']})"
        ) from error

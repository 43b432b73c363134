"""A simulator for ``SimulatorProcess``: options on the first line of its input, then until its end.

It prints one line of JSON: what it is at, or ``{"error": …}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

from wiseflow.core.errors import WiseflowError
from wiseflow.simulator.process import parse_options
from wiseflow.simulator.server import Simulator
from wiseflow.simulator.serving import announcement, serve


def main() -> int:
    """Run it; the exit code."""
    try:
        options = parse_options(sys.stdin.buffer.readline())
        asyncio.run(serve(options, _announce, sys.stdin.buffer))
    except WiseflowError as error:
        print(json.dumps({"error": str(error)}), flush=True)  # noqa: T201 - its one output
        return error.exit_code
    return 0


def _announce(simulator: Simulator) -> None:
    print(announcement(simulator), flush=True)  # noqa: T201 - its one output


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # the parent has it, too, and tells
        sys.exit(main())

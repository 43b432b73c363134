"""A Redis server of a proof's own that can be killed."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

START_S = 30.0


class RedisServer:
    """Keeps nothing on the disk: after a kill it knows of no loan.

    Args:
        folder: for its socket; a short path.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("there is no redis-server; on Debian: apt install redis-server")
        self._socket = folder / "redis"
        self._command = [program, "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._command += ["--dir", str(folder)]
        self.url = f"unix://{self._socket}"
        self._process = self._start()

    def kill(self) -> None:
        """Kill it as a crash does, and start it again."""
        self.stop()
        self._process = self._start()

    def stop(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._socket.unlink(missing_ok=True)
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while not self._socket.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("the Redis server does not start")
            time.sleep(0.01)
        return process

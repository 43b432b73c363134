"""A service to ask, and one that plays what a service may answer."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from wiseflow.bench.service_process import ServiceProcess

JOB = {
    "id": "x", "topic": "Tides", "status": "pending", "progress": 0.0, "partial": False,
    "stop_reason": None, "error": "", "cost": None, "priority": "normal", "tags": [],
    "metadata": {}, "created_at": 1.0, "started_at": None, "completed_at": None, "attempt": 0,
    "cancel_requested": False, "follows": None, "configuration": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A service in a process of its own."""
    settings = {
        "WISEFLOW_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "WISEFLOW_SECRET_KEY": "a key of the tests and of nothing else",
    }
    with ServiceProcess(settings, parallel=2) as running:
        yield running


@dataclass
class Asked:
    query: str
    headers: dict[str, str]


@dataclass
class Playing:
    """Answers in turn: status, headers, and a body where it is not a research."""

    url: str = ""
    answers: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture
def playing():
    """A server that answers as a test says."""
    told = Playing()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.asked.append(Asked(self.path.partition("?")[2], headers))
            status, more, *rest = told.answers.pop(0)
            body = rest[0] if rest else JOB if status < 300 else {}
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.rfile.read(int(headers.get("content-length", 0)))
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that is looked for

        def log_message(self, format, *args):  # noqa: A002 - as it is there
            """Nothing is written."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield told
        server.shutdown()
        thread.join()

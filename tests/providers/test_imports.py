"""Who may open connections: one package, and the exceptions that are listed here."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "wiseflow"

# Where each of these may be imported. What is asked of a database or of Redis is no call to the
# outside; the simulator serves, and asks only its own child.
ALLOWED = {
    "httpx2": {"client", "providers"},  # the client asks our own service
    "httpcore2": {"providers"},
    "openai": {"providers"},
    "anthropic": {"providers"},
    "pydantic_ai": {"providers"},
    "aiohttp": {"simulator"},
    "redis": {"storage", "limits", "caching"},
    "psycopg": {"storage"},
    "procrastinate": {"storage", "bench"},
    "aiosqlite": {"storage"},
    "httpx": set(),
    "requests": {"observability"},  # what sends traces takes a session of it, and no other client
    "urllib3": set(),
    "urllib.request": set(),
    "http.client": {"simulator"},
    "socket.create_connection": set(),
}


def imported(file):
    """Every module that a file imports anywhere in it, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def package(file):
    return file.relative_to(SOURCE).parts[0]


@pytest.fixture(scope="module")
def everything():
    return {file: set(imported(file)) for file in SOURCE.rglob("*.py")}


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_only_the_packages_listed_import_what_opens_connections(name, everything):
    files = [
        file
        for file, names in everything.items()
        if any(f"{one}.".startswith(f"{name}.") for one in names)
    ]

    assert {str(file) for file in files if package(file) not in ALLOWED[name]} == set()


def test_what_is_looked_for_is_found():
    assert "httpx2" in set(imported(SOURCE / "providers" / "http.py"))

"""With LOCAL_ONLY nothing goes to another machine."""

import subprocess
import sys

import pytest

from wiseflow.app import check_local_only, is_loopback
from wiseflow.core.errors import ConfigurationError
from wiseflow.settings.loading import load_settings

# Refuses every connection that is not a local socket, and tells of each attempt; one to this
# machine by another word, as a model may run here.
GUARDED = """
import socket, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.sendto"} and arguments[0].family != socket.AF_UNIX:
        here = arguments[1][0] == "127.0.0.1"
        print("ASKED" if here else "CONNECTED", arguments[1], file=sys.stderr)
        raise OSError("no network here")
    if event == "socket.getaddrinfo":
        print("RESOLVED", arguments[0], file=sys.stderr)
        raise OSError("no network here")

sys.addaudithook(refuse)
from wiseflow.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///data/wiseflow.db",
        "postgresql://localhost/wiseflow",
        "postgresql://user:secret@127.0.0.1:5433/wiseflow",
        "postgresql://[::1]/wiseflow",
        "postgresql://localhost/wiseflow?hostaddr=::1",
        "postgresql:///wiseflow?host=/run/postgresql",
    ],
)
def test_a_database_on_this_machine_is_allowed(url):
    check_local_only(load_settings(environ={"LOCAL_ONLY": "true", "DATABASE_URL": url}))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.org/wiseflow",
        "postgresql://user:secret@10.0.0.7/wiseflow",
        "postgresql://localhost/wiseflow?host=db.example.org",
        "postgresql://localhost/wiseflow?hostaddr=10.0.0.7",
        "postgresql:///wiseflow?host=db.example.org:5432&host=localhost:5432",
        "postgresql:///wiseflow?host=localhost,db.example.org",
        "postgresql://[::ffff:10.0.0.7]/wiseflow",
    ],
)
def test_a_database_on_another_machine_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match="another machine") as caught:
        check_local_only(load_settings(environ={"LOCAL_ONLY": "true", "DATABASE_URL": url}))

    assert "secret" not in str(caught.value)


def test_a_redis_on_another_machine_is_refused_when_limits_are_shared_there():
    named = {"LOCAL_ONLY": "true", "REDIS_HOST": "10.0.0.7"}

    check_local_only(load_settings(environ=named))
    check_local_only(load_settings(environ={"LOCAL_ONLY": "true", "LIMIT_STORE": "redis"}))
    with pytest.raises(ConfigurationError, match="REDIS_HOST names another machine"):
        check_local_only(load_settings(environ={**named, "LIMIT_STORE": "redis"}))


def test_without_local_only_it_is_the_users_choice():
    check_local_only(load_settings(environ={"DATABASE_URL": "postgresql://db.example.org/w"}))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_only_addresses_of_this_machine_are_loopback(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("named", [[], ["--model", "extractive"]])
def test_a_whole_research_asks_no_other_machine_and_with_its_own_author_none(tmp_path, named):
    (tmp_path / "tides.md").write_text(
        "# Tides\n\nTides are the rise and fall of sea levels. Spring tides come twice a month.\n"
    )
    command = ["research", "Tides", "--docs", "tides.md", "--local-only", *named]

    done = subprocess.run(
        [sys.executable, "-c", GUARDED, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "CONNECTED" not in done.stderr
    assert "RESOLVED" not in done.stderr
    if named:
        assert "ASKED" not in done.stderr

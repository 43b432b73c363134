import io

CANARY = "canary-9d2e51b8aa"


def test_a_secret_is_read_from_standard_input_and_never_shown(wiseflow, monkeypatch, tmp_path):
    monkeypatch.setenv("WISEFLOW_SECRET_KEY", wiseflow("secrets", "new-key").out.strip())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    kept = wiseflow("--set", "LOG_LEVEL=DEBUG", "secrets", "set", "TAVILY_API_KEY")
    listed = wiseflow("secrets", "list")
    shown = [kept, listed, wiseflow("config", "show"), wiseflow("audit")]

    assert kept.code == 0
    assert "TAVILY_API_KEY" in listed.out
    assert all(CANARY not in ended.out + ended.err for ended in shown)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert all(CANARY.encode() not in path.read_bytes() for path in files)
    assert wiseflow("secrets", "delete", "TAVILY_API_KEY").code == 0
    assert wiseflow("secrets", "delete", "TAVILY_API_KEY").code == 4


def test_without_the_key_that_encrypts_nothing_is_kept(wiseflow, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(CANARY))

    ended = wiseflow("secrets", "set", "TAVILY_API_KEY")

    assert ended.code == 3
    assert "wiseflow secrets new-key" in ended.err
    assert CANARY not in ended.err

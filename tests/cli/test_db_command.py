import json
import sqlite3


def test_a_new_database_is_upgraded_and_then_sound(wiseflow):
    assert "revision" in wiseflow("db", "upgrade").out

    ended = wiseflow("db", "check")

    assert ended.code == 0
    assert "sound" in ended.out
    assert json.loads(wiseflow("db", "check", "--json").out)["problems"] == []


def test_a_second_upgrade_changes_nothing(wiseflow):
    first = wiseflow("db", "upgrade").out

    assert wiseflow("db", "upgrade").out == first


def test_a_missing_table_is_found(wiseflow, tmp_path):
    wiseflow("db", "upgrade")
    with sqlite3.connect(tmp_path / "data" / "wiseflow.db") as connection:
        connection.execute("DROP TABLE events")
    connection.close()

    ended = wiseflow("db", "check")

    assert ended.code == 1
    assert "events" in ended.out


def test_a_database_of_a_newer_version_is_refused_and_left_alone(wiseflow, tmp_path):
    wiseflow("db", "upgrade")
    path = tmp_path / "data" / "wiseflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_of_the_future'")
    connection.close()
    before = path.read_bytes()

    for command in (("jobs", "list"), ("db", "upgrade"), ("research", "Tides")):
        ended = wiseflow(*command)
        assert ended.code == 1
        assert "newer" in ended.err

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_told(wiseflow, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wiseflow.db").write_bytes(b"this is not a database" * 100)

    ended = wiseflow("jobs", "list")

    assert ended.code == 1
    assert "wiseflow.db" in ended.err


def test_an_address_that_names_no_database_is_a_wrong_setting(wiseflow):
    ended = wiseflow("--set", "DATABASE_URL=mysql://x", "jobs", "list")

    assert ended.code == 3
    assert "DATABASE_URL" in ended.err

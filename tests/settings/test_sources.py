from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.settings.registry import GROUPS
from wiseflow.settings.sources import LARGEST_FILE_BYTES, read_dotenv, read_yaml
from wiseflow.settings.yaml_file import YamlFault, YamlValue, entries


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a b", "a b"),
        ("a # comment", "a"),
        ("a#b", "a#b"),
        ("'a # b'  # c", "a # b"),
        (r"'a\n'", r"a\n"),
        (r'"a\n\t\"b\" \\" # c', 'a\n\t"b" \\'),
        (" spaced ", "spaced"),
        ("a=b", "a=b"),
        ("${HOME}", "${HOME}"),
        ("é", "é"),
    ],
)
def test_a_dotenv_value_is_read_as_it_is_written(load, written, value):
    assert load(env=f"export PRIMARY_MODEL = {written}\n").primary_model == value


def test_a_dotenv_file_may_have_a_mark_and_windows_line_ends(load):
    settings = load(env=b"\xef\xbb\xbf\r\n# c\r\nRETRY_LIMIT=7\r\n")

    assert (settings.retry_limit, settings.origin("RETRY_LIMIT")) == (7, ".env:3")


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ("RETRY_LIMIT\n", ".env, line 1: this is not NAME=VALUE; write one setting a line"),
        ("=x\n", ".env, line 1: this is not NAME=VALUE; write one setting a line"),
        ("\nLOG_FILE='x\n", ".env, line 2: the quotes around the value of LOG_FILE do not close"),
        ('LOG_FILE="x\n', ".env, line 1: the quotes around the value of LOG_FILE do not close"),
        (
            "RETRY_LIMIT=1\nRETRY_LIMIT=2\n",
            ".env, line 2: RETRY_LIMIT is set in line 1 already; keep one of the two",
        ),
        (
            "logging.level=INFO\n",
            ".env, line 1: there is no setting logging.level; did you mean LOG_LEVEL?",
        ),
        (
            "QWERTYUIOP=1\n",
            (
                ".env, line 1: there is no setting QWERTYUIOP; the reference page of settings "
                "lists them"
            ),
        ),
        (b"A=1\nRETRY_LIMIT=\xff\n", ".env, line 2: this is not UTF-8; save the file as UTF-8"),
        ("\n\nA\0\n", ".env, line 3: a NUL character; this is no text file"),
    ],
)
def test_a_broken_dotenv_line_is_named(problems, env, found):
    assert problems(env=env) == [found]


@pytest.mark.parametrize(
    ("yaml", "found"),
    [
        ("a: [\n", "line 2: this is not YAML"),
        ("logging:\n\tlevel: INFO\n", "line 2: a tab where YAML allows none; indent with spaces"),
        ("logging:\n  level: 'INFO\n", "line 3: this is not YAML"),
        (
            "logging:\n  level: INFO\n  level: DEBUG\n",
            "line 3: level stands in line 2 already; keep one of the two",
        ),
        (
            "logging: {level: INFO}\nlogging: {}\n",
            "line 2: logging stands in line 1 already; keep one of the two",
        ),
        ("logging: INFO\n", "line 1: logging is a group: its settings stand below it"),
        ("loging: INFO\n", "line 1: there is no group loging; did you mean logging?"),
        ("qqqq: 1\n", "line 1: there is no group qqqq; the reference page of settings lists them"),
        (
            "MAX_CONCURRENT_RESEARCH: 3\n",
            (
                "line 1: there is no setting MAX_CONCURRENT_RESEARCH; did you mean "
                "task_management.max_concurrent_research?"
            ),
        ),
        ("database:\n  log_level: x\n", "line 2: there is no setting database.log_level; did you"),
        ("loging:\n  level: INFO\n", "line 2: there is no setting loging.level; did you mean lo"),
        ("logging:\n  level: {a: b}\n", "line 2: logging.level must be one plain value"),
        ("logging:\n  level: !x INFO\n", "line 2: logging.level must be one plain value"),
        ("logging:\n  level: [[1]]\n", "line 2: logging.level must be one plain value"),
        ("- a\n", "line 1: the file must hold groups of settings"),
        ("? [a]\n: b\n", "line 1: a name must be one word"),
        ("logging:\n  ? [a]\n  : b\n", "line 2: a name must be one word"),
        ("a: 1\n---\nb: 2\n", "line 2: this is not YAML"),
        ("a: \x07\n", "line 1: a character that YAML does not allow; remove it"),
        ("[" * 3000, "line 1: nested too deeply; a settings file has two levels"),
        (b"logging:\n  level: \xff\n", "line 2: this is not UTF-8; save the file as UTF-8"),
        ("#" * (LARGEST_FILE_BYTES + 1), "larger than 1 MiB, so it is no settings file"),
    ],
)
def test_a_broken_yaml_file_is_named_with_its_line(problems, yaml, found):
    assert found in problems(yaml=yaml)[0]
    assert problems(yaml=yaml)[0].startswith("config.yaml")


@pytest.mark.parametrize("yaml", ["", "# nothing\n", "---\n", "~\n", "logging:\n", "logging: {}\n"])
def test_an_empty_yaml_file_sets_nothing(load, yaml):
    assert load(yaml=yaml).origin("LOG_LEVEL") == "default"


def test_a_yaml_word_stays_the_word_it_is(load):
    settings = load(
        yaml="database: {synchronous: off}\nlogging: &l {level: ERROR}\n"
        "fetch: {allowed_networks: [10.0.0.0/8, 192.168.0.0/16]}\n"
    )

    assert settings.database_synchronous == "off"
    assert settings.fetch_allowed_networks == "10.0.0.0/8,192.168.0.0/16"


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_as_yaml_or_named_as_broken(text):
    assert all(isinstance(one, YamlValue | YamlFault) for one in entries(text, groups=GROUPS))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_settings_files_or_named_as_broken(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(data)

    for source in (read_dotenv(path), read_yaml(path)):
        assert all(one.place.startswith(str(path)) for one in source.problems)

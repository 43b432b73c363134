from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import ConfigurationError
from wiseflow.settings.loading import load_settings
from wiseflow.settings.model import available_cores
from wiseflow.settings.registry import SETTINGS

NAME = "MAX_CONCURRENT_RESEARCH"
YAML = "task_management:\n  max_concurrent_research: 14\n"


def test_the_strongest_source_that_has_a_setting_holds(load):
    sources = {
        "flags": {NAME: "11"},
        "environ": {NAME: "12"},
        "env": f"\n{NAME}=13\n",
        "yaml": YAML,
    }
    expected = [(11, "flag"), (12, "environment"), (13, ".env:2"), (14, "config.yaml:2")]

    for value, origin in expected:
        settings = load(**sources)
        assert (settings.max_concurrent_research, settings.origin(NAME)) == (value, origin)
        del sources[next(iter(sources))]
    assert (load().max_concurrent_research, load().origin(NAME)) == (3, "default")


def test_defaults_are_the_spec_s(load):
    settings = load()

    assert settings.max_concurrent_tasks == min(4, available_cores())
    assert settings.database_url == "sqlite:///data/wiseflow.db"
    assert settings.log_path == Path("data/logs/wiseflow.log")
    assert (settings.task_timeout, settings.retry_limit) == (3600, 3)
    assert (settings.log_max_size, settings.log_backup_count) == (10_485_760, 5)
    assert settings.files == ()


def test_a_given_number_of_tasks_may_exceed_the_cores(load):
    assert load(flags={"MAX_CONCURRENT_TASKS": "64"}).max_concurrent_tasks == 64


def test_database_and_log_follow_the_data_folder(load):
    settings = load(environ={"WISEFLOW_DATA_DIR": "/var/lib/flow"})

    assert settings.database_url == "sqlite:////var/lib/flow/wiseflow.db"
    assert settings.data_dir == Path("/var/lib/flow")
    assert settings.log_path == Path("/var/lib/flow/logs/wiseflow.log")
    assert settings.origin("DATABASE_URL") == "default"


def test_the_environment_can_name_the_yaml_file(load, tmp_path):
    (tmp_path / "other.yaml").write_text(YAML)

    settings = load(environ={"WISEFLOW_CONFIG": str(tmp_path / "other.yaml")})

    assert settings.origin(NAME) == "other.yaml:2"
    assert settings.files == (tmp_path / "other.yaml",)


def test_the_dotenv_file_can_name_the_yaml_file(load, tmp_path):
    (tmp_path / "other.yaml").write_text(YAML)

    settings = load(env=f"WISEFLOW_CONFIG={tmp_path / 'other.yaml'}\n")

    assert settings.max_concurrent_research == 14
    assert settings.files == (tmp_path / ".env", tmp_path / "other.yaml")


def test_a_missing_yaml_file_is_an_error_and_a_missing_dotenv_is_not(tmp_path):
    load_settings(environ={}, dotenv=tmp_path / ".env")

    with pytest.raises(ConfigurationError, match=r"gone\.yaml: there is no such file"):
        load_settings(environ={}, yaml_file=tmp_path / "gone.yaml")


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(environ={}, yaml_file=tmp_path)


def test_a_name_no_file_can_have_is_an_error():
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(environ={}, yaml_file=Path("a\0b"))


def test_an_empty_value_is_not_set_but_on_the_command_line(load, problems):
    settings = load(environ={NAME: ""}, env=f"{NAME}=\n", yaml="task_management:\n  retry_limit:\n")
    assert settings.origin(NAME) == "default"
    assert settings.retry_limit == 3

    assert problems(flags={NAME: ""}) == [
        f"the command line: {NAME} must be a whole number of at least 1 and at most 10000, not ''"
    ]


def test_a_wrong_value_in_each_of_the_four_sources_is_named_with_its_place(problems):
    found = problems(
        flags={"RETRY_LIMIT": "many"},
        environ={"TASK_TIMEOUT": "inf"},
        env="# ours\nLOG_FORMAT=xml\n",
        yaml="database:\n\n  pool_size: -1\nlogging: {level: LOUD}\nprivacy: {local_only: maybe}\n",
    )

    assert found == [
        (
            "the command line: RETRY_LIMIT must be a whole number of at least 1 and at most 100, "
            "not 'many'"
        ),
        (
            "environment variable TASK_TIMEOUT: TASK_TIMEOUT must be a number above 0 and at most "
            "31536000, not 'inf'"
        ),
        ".env, line 2: LOG_FORMAT must be text or json, not 'xml'",
        (
            "config.yaml, line 3: database.pool_size must be a whole number of at least 1 and "
            "at most 1000, not '-1'"
        ),
        (
            "config.yaml, line 4: logging.level must be DEBUG, INFO, WARNING, ERROR or CRITICAL, "
            "not 'LOUD'"
        ),
        "config.yaml, line 5: privacy.local_only must be true or false, not 'maybe'",
    ]


def test_an_unknown_name_in_each_of_the_four_sources_is_named_with_the_nearest(problems):
    found = problems(
        flags={"RETRY_LIMITS": "1"},
        environ={"MAX_CONCURENT_RESEARCH": "1"},
        env="LOG_LEVLE=INFO\n",
        yaml="task_management:\n  max_concurrent_reserch: 3\n",
    )

    assert found == [
        "the command line: there is no setting RETRY_LIMITS; did you mean RETRY_LIMIT?",
        (
            "environment variable MAX_CONCURENT_RESEARCH: there is no setting of this name; did "
            "you mean MAX_CONCURRENT_RESEARCH? Rename it, or unset it if it is another program's"
        ),
        ".env, line 1: there is no setting LOG_LEVLE; did you mean LOG_LEVEL?",
        (
            "config.yaml, line 2: there is no setting task_management.max_concurrent_reserch; did "
            "you mean task_management.max_concurrent_research?"
        ),
    ]


def test_a_wrong_value_is_named_though_a_stronger_source_overrides_it(problems):
    assert len(problems(flags={NAME: "2"}, env=f"{NAME}=x\n")) == 1


def test_many_problems_are_counted_and_end_with_the_exit_code_for_configuration(load):
    with pytest.raises(ConfigurationError, match="2 settings are wrong:") as caught:
        load(flags={NAME: "0", "X": "1"})

    assert caught.value.exit_code == 3
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_case_does_not_matter_for_levels_and_words(load):
    settings = load(
        environ={"LOG_LEVEL": "debug", "LOG_FORMAT": "JSON", "DATABASE_SYNCHRONOUS": "FULL"}
    )

    assert settings.log_level == "DEBUG"
    assert settings.log_format == "json"
    assert settings.database_synchronous == "full"


@pytest.mark.parametrize("text", ["yes", "on", "1", "TRUE"])
def test_yes_is_true(load, text):
    assert load(environ={"LOCAL_ONLY": text}).local_only is True


def test_the_heartbeat_must_fit_into_the_lease(problems):
    (found,) = problems(environ={"JOB_LEASE_S": "15", "JOB_HEARTBEAT_S": "10"})

    assert found.startswith(
        "environment variable JOB_HEARTBEAT_S: JOB_HEARTBEAT_S (10) must be at most half of "
        "JOB_LEASE_S (15)"
    )


@pytest.mark.parametrize(
    "url", ["mysql://h/d", "sqlite", "sqlite:///", "postgresql://u:secret99@h:port/d", "://x"]
)
def test_a_wrong_database_address_is_refused_without_its_password(problems, url):
    (found,) = problems(environ={"DATABASE_URL": url})

    assert "DATABASE_URL must be an address like sqlite:///data/wiseflow.db" in found
    assert "secret99" not in found


def test_a_wrong_secret_is_not_shown(problems):
    (found,) = problems(flags={"REDIS_PORT": "x", "LLM_API_KEY": "fine"})
    assert found.endswith("not 'x'")

    (found,) = problems(env="sk-canary-0123456789abcdef\n")
    assert found == ".env, line 1: this is not NAME=VALUE; write one setting a line"


def test_a_long_wrong_value_is_cut(problems):
    (found,) = problems(flags={NAME: "9" * 500})

    assert found.endswith(f"not '{'9' * 60}…'")


def test_settings_of_later_parts_are_known_and_secrets_hidden(load):
    settings = load(
        yaml="llm:\n  api_key: sk-canary-1\ncache: {url: 'redis://:pw-canary@h/0'}\n"
        "metrics: {enabled: true, port: 9090, path: /metrics}\n",
        environ={"TAVILY_API_KEY": "tv-canary", "SEARXNG_API_BASE": "http://[bad"},
    )

    assert set(settings.secrets()) == {"sk-canary-1", "pw-canary", "tv-canary"}
    assert "canary" not in f"{settings!r} {settings}"
    assert "canary" not in repr(settings.logging())
    assert settings.origin("llm_api_key") == "config.yaml:2"


def test_another_program_s_value_of_a_later_setting_is_passed_over(load, problems):
    settings = load(environ={"FAISS_CACHE_SIZE": "tcp://10.0.0.1:9090", "ENVIRONMENT": "dev"})

    assert settings.origin("FAISS_CACHE_SIZE") == "default"
    assert len(problems(env="FAISS_CACHE_SIZE=tcp://10.0.0.1:9090\n")) == 1


def test_the_port_of_redis_may_be_the_address_that_kubernetes_gives(load):
    assert load(environ={"REDIS_PORT": "tcp://10.0.0.1:6380"}).redis_port == 6380


def test_the_port_of_metrics_may_be_so_too(load):
    assert load(environ={"METRICS_PORT": "tcp://10.0.0.1:9091"}).metrics_port == 9091


@pytest.mark.parametrize(
    "wrong",
    [
        "METRICS_PATH=metrics",
        "METRICS_PATH=/a?b",
        "METRICS_PORT=65536",
        "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318",
    ],
)
def test_wrong_settings_of_operations_are_named(problems, wrong):
    (problem,) = problems(env=f"{wrong}\n")

    assert wrong.partition("=")[0] in problem


def test_the_proxy_may_be_named_in_lower_case_and_capitals_go_first(load):
    lower = {"https_proxy": "http://a:1", "no_proxy": "b"}

    assert load(environ=lower).https_proxy == "http://a:1"
    assert load(environ=lower).no_proxy == "b"
    assert load(environ={**lower, "HTTPS_PROXY": "http://c:2"}).https_proxy == "http://c:2"


def test_a_provider_s_key_and_address_are_found_by_its_name(load):
    settings = load(environ={"EXA_API_KEY": "k-1", "EXA_API_BASE": "http://localhost:1"})

    assert settings.provider_key("exa") == "k-1"
    assert settings.provider_base("exa") == "http://localhost:1"
    assert settings.provider_key("nobody") == ""
    assert settings.provider_base("nobody") == ""


def test_the_console_shows_no_less_severe_lines_than_the_file(load):
    assert load().logging().console_level == "WARNING"
    assert load(flags={"LOG_LEVEL": "ERROR"}).logging().console_level == "ERROR"
    assert load().logging(console_level="INFO").console_level == "INFO"


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load().retry_limit = 9


@given(st.dictionaries(st.sampled_from([one.name for one in SETTINGS]), st.text(max_size=12)))
def test_any_values_of_ours_load_or_are_named_as_wrong(values):
    try:
        load_settings(environ={}, flags=values)
    except ConfigurationError as error:
        named = str(error).replace("JOB_HEARTBEAT_S", "JOB_LEASE_S")
        assert any(name.replace("JOB_HEARTBEAT_S", "JOB_LEASE_S") in named for name in values)


def test_cores_are_counted_where_the_system_knows_no_affinity(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)

    assert available_cores() == 1

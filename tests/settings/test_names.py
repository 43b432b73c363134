from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.settings.names import edits, environment_mistake
from wiseflow.settings.registry import BY_PLACE, SETTINGS

# What shells, desktops, CI systems, containers and other programs put into an environment.
NORMAL = """
PATH HOME USER LOGNAME SHELL SHLVL PWD OLDPWD TERM COLORTERM LANG LANGUAGE LC_ALL LC_CTYPE TZ MAIL
EDITOR VISUAL PAGER LESS LESSOPEN LS_COLORS MANPATH HOSTNAME HOSTTYPE OSTYPE MACHTYPE DISPLAY
TMPDIR WAYLAND_DISPLAY XDG_RUNTIME_DIR XDG_SESSION_ID XDG_SESSION_TYPE XDG_DATA_DIRS
XDG_CONFIG_DIRS XDG_CURRENT_DESKTOP DBUS_SESSION_BUS_ADDRESS DESKTOP_SESSION GDMSESSION
SSH_AUTH_SOCK SSH_AGENT_PID SSH_CLIENT SSH_CONNECTION SSH_TTY GPG_AGENT_INFO _ PS1 PROMPT_COMMAND
HISTSIZE HISTFILE HISTCONTROL HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY http_proxy
https_proxy ftp_proxy all_proxy no_proxy REQUESTS_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT
PYENV_VERSION PYTHONPATH PYTHONHOME PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONWARNINGS
PYTEST_CURRENT_TEST COVERAGE_PROCESS_START PIP_INDEX_URL PIP_CACHE_DIR UV_CACHE_DIR NVM_DIR
NODE_ENV NODE_OPTIONS NPM_CONFIG_PREFIX GOPATH GOROOT JAVA_HOME JAVA_OPTS MAVEN_OPTS CARGO_HOME
RUSTUP_HOME RUST_LOG RUST_BACKTRACE GEM_HOME CI GITHUB_ACTIONS GITHUB_TOKEN GITHUB_ENV GITHUB_SHA
RUNNER_OS RUNNER_TEMP GITLAB_CI CI_JOB_ID CI_JOB_TIMEOUT JENKINS_URL BUILD_ID JOB_NAME JOB_URL
JOB_ID JOB_BASE_NAME BUILD_NUMBER WORKSPACE KUBERNETES_SERVICE_HOST KUBERNETES_PORT
KUBERNETES_PORT_443_TCP REDIS_SERVICE_HOST REDIS_PORT_6379_TCP REDIS_URL REDIS_HOST REDIS_PORT
DOCKER_HOST DOCKER_CONFIG COMPOSE_PROJECT_NAME COMPOSE_FILE DATABASE_URI DATABASE_URL_2
DATABASE_URL2 DATABASE_HOST DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD
DATABASE_TYPE DB_URL DB_POOL_SIZE POSTGRES_URL PGHOST PGUSER PGPASSWORD PGDATABASE MYSQL_URL
MONGO_URL SQLALCHEMY_DATABASE_URI DJANGO_SETTINGS_MODULE FLASK_ENV SECRET_KEY DEBUG PORT HOST LOG
LOGS LOGLEVEL LOGFILE LOG_LEVELS LOG_PATH LOG_DIR LOG_NAME LOG_TO_FILE LOG_ROTATE LOG_MAX_FILES
LOG_TYPE LOG_STYLE LOG_COLOR TIMEOUT TASK_ID TASK_NAME RETRIES RETRY_COUNT RETRY_DELAY RETRY_MAX
MAX_RETRIES MAX_WORKERS MAX_TASKS OPENAI_API_KEY OPENAI_BASE_URL OPENAI_ORG_ID ANTHROPIC_API_KEY
AZURE_OPENAI_API_KEY GLM_API_KEY XAI_API_KEY GROQ_API_KEY HF_TOKEN HF_HOME OLLAMA_HOST
OLLAMA_MODELS AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
AWS_SESSION_TOKEN GOOGLE_APPLICATION_CREDENTIALS AZURE_CLIENT_ID OMP_NUM_THREADS MKL_NUM_THREADS
CUDA_VISIBLE_DEVICES ENVIRONMENT ENV STAGE APP_ENV SERVICE_NAME SERVICE_URL CONFIG CONFIG_FILE
CONFIG_PATH DATA_DIR DATADIR LOCALE LOCALHOST LOCAL_IP LOCALAPPDATA APPDATA PROGRAMDATA SYSTEMROOT
WINDIR COMSPEC USERPROFILE NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE PSMODULEPATH WSLENV
WSL_DISTRO_NAME INDEX_URL INDEX_NAME TMUX TMUX_PANE STY VTE_VERSION TERM_PROGRAM
TERM_PROGRAM_VERSION VSCODE_IPC_HOOK_CLI OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME SENTRY_DSN
PROMETHEUS_URL CACHE_DIR CACHE_URI CELERY_BROKER_URL CELERY_TASK_TIME_LIMIT
CELERYD_MAX_TASKS_PER_CHILD GUNICORN_CMD_ARGS WEB_CONCURRENCY MAX_CONCURRENCY
MAX_CONCURRENT_REQUESTS MAX_CONCURRENT_JOBS MAX_CONCURRENT_USERS
"""

# Names that others use and we do, too, in the same sense.
OURS = {setting.name for setting in SETTINGS if setting.used} | {"https_proxy", "no_proxy"}


@pytest.mark.parametrize("name", [name for name in NORMAL.split() if name not in OURS])
def test_a_normal_environment_trips_nothing(name):
    assert environment_mistake(name) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MAX_CONCURENT_RESEARCH", "MAX_CONCURRENT_RESEARCH"),
        ("MAX_CONCURRENT_RESERCH", "MAX_CONCURRENT_RESEARCH"),
        ("MAX_CONCURRENT_TASK", "MAX_CONCURRENT_TASKS"),
        ("max_concurrent_tasks", "MAX_CONCURRENT_TASKS"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("TASK_TIMOUT", "TASK_TIMEOUT"),
        ("LOCAL_ONYL", "LOCAL_ONLY"),
        ("WISEFLOW_DATADIR", "WISEFLOW_DATA_DIR"),
        ("WISEFLOW_LOG_LEVEL", "LOG_LEVEL"),
    ],
)
def test_a_slip_in_one_of_our_names_is_named(name, meant):
    assert f"did you mean {meant}?" in environment_mistake(name)


def test_a_name_under_our_prefix_is_ours_even_if_it_is_like_no_other():
    assert "the reference page" in environment_mistake("WISEFLOW_ZZZZZZZZZZZZZZZZZZ")


@pytest.mark.parametrize(
    ("left", "right", "count"),
    [("", "", 0), ("abc", "", 3), ("ab", "ba", 1), ("kitten", "sitting", 3), ("abc", "abxc", 1)],
)
def test_edits_are_counted(left, right, count):
    assert edits(left, right) == edits(right, left) == count


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_edits_of_a_part_are_no_more_than_of_the_whole(left, right, tail):
    assert edits(left + tail, right + tail) <= edits(left, right)


def test_every_setting_has_one_name_one_place_and_a_help():
    places = [one.place for one in SETTINGS if one.place]

    assert len(places) == len(set(places)) == len(BY_PLACE)
    assert all(one.help.endswith(".") and one.expects for one in SETTINGS)
    assert all(
        one.place.count(".") == 1 and one.place == one.place.lower()
        for one in SETTINGS
        if one.place
    )


def test_the_yaml_places_of_the_product_s_contract_are_there():
    contract = """
    llm.api_key llm.api_base llm.primary_model llm.secondary_model
    task_management.max_concurrent_tasks task_management.max_concurrent_research
    task_management.task_timeout task_management.retry_limit task_management.retry_delay
    database.url database.pool_size database.max_overflow cache.url cache.ttl
    logging.level logging.format logging.file logging.max_size logging.backup_count
    metrics.enabled metrics.port metrics.path
    """

    assert set(contract.split()) <= set(BY_PLACE)

import pytest

from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import Configuration, ResearchMode, TaskPriority
from wiseflow.core.jobs import JobStatus
from wiseflow.core.library import IndexChange
from wiseflow.core.limits import LimitKey


def test_priorities_rank_from_critical_to_background():
    assert [priority.rank for priority in TaskPriority] == [0, 1, 2, 3, 4]
    assert TaskPriority.CRITICAL.rank < TaskPriority.BACKGROUND.rank


@pytest.mark.parametrize("status", JobStatus)
def test_only_completed_failed_and_cancelled_are_final(status):
    assert status.final == (status in {"completed", "failed", "cancelled"})


def test_a_configuration_needs_nothing_said():
    configuration = Configuration()

    assert configuration.research_mode is ResearchMode.LINEAR
    assert configuration.collection == "default"
    assert configuration.budget.money is None


def test_a_change_without_content_is_false():
    assert not IndexChange()
    assert IndexChange(removed=("s1",))


async def test_the_system_clock_goes_forward():
    clock = SystemClock()
    wall, steady = clock.now(), clock.monotonic()

    await clock.sleep(0)

    assert clock.now() >= wall - 1
    assert clock.monotonic() >= steady


def test_a_key_of_limits_reads_as_provider_account_and_model():
    assert str(LimitKey(provider="openai", account="1f", model="m")) == "openai/1f/m"

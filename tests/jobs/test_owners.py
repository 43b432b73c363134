"""Which instances are surely dead."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from wiseflow.jobs import owners
from wiseflow.jobs.owners import dead_owners, instance_name, take_over_from_dead

NAMES_ITSELF = "from wiseflow.jobs.owners import instance_name; print(instance_name(), flush=True)"


@pytest.fixture
def child():
    process = subprocess.Popen(
        [sys.executable, "-c", NAMES_ITSELF + "; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def name_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_this_process_and_a_living_one_are_not_dead(child):
    assert dead_owners([instance_name(), name_of(child)]) == []


def test_a_killed_process_is_dead_before_its_parent_noticed(child):
    name = name_of(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert dead_owners([name]) == [name]


def test_a_process_that_is_gone_is_dead(child):
    name = name_of(child)
    child.kill()
    child.communicate()

    assert dead_owners([name]) == [name]


def test_another_process_with_the_same_id_is_told_apart():
    host, pid, _, namespace, random = instance_name().split("/")
    earlier = f"{host}/{pid}/1/{namespace}/{random}"

    assert dead_owners([earlier]) == [earlier]


def test_what_cannot_be_judged_is_left_alone():
    host, pid, start, namespace, random = instance_name().split("/")

    assert dead_owners(["a/1", f"{host}/x/{start}/{namespace}/{random}", ""]) == []
    assert dead_owners([f"elsewhere/{pid}/1/{namespace}/{random}"]) == []
    assert dead_owners([f"{host}/{pid}/1/other/{random}"]) == []


def test_without_a_proc_file_system_the_start_is_asked_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setattr(owners, "PROC", tmp_path)

    name = instance_name()

    assert dead_owners([name]) == []
    assert "." in name.split("/")[2]


def test_a_process_that_may_not_be_looked_at_is_left_alone(monkeypatch):
    def refuse(_pid: int):
        raise psutil.AccessDenied

    name = instance_name()
    monkeypatch.setattr(psutil, "Process", refuse)

    assert dead_owners([name]) == []


async def test_the_leases_of_dead_instances_are_ended(house, child):
    name = name_of(child)
    await house.submit(2)
    await house.claim(owner=name)
    await house.claim(owner=instance_name())
    assert await take_over_from_dead(house.queue) == 0
    child.kill()
    child.communicate()

    assert await take_over_from_dead(house.queue) == 1

    assert len(await house.queue.running_owners()) == 1

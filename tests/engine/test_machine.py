"""What the process may use: trees of control groups as files, and the figures of this machine."""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.engine.cgroups import ControlGroups
from wiseflow.engine.counters import Rates, affinity, free_bytes
from wiseflow.engine.machine import Machine, memory_limit, usable_cores

MIB = 1 << 20
UNTIMED = settings(deadline=None)
NO_LIMIT_1 = "9223372036854771712"


class Tree:
    """Control groups and the process' own lines about them, as files."""

    def __init__(self, folder: Path):
        self.root = folder / "cgroup"
        self.proc = folder / "proc"
        self.root.mkdir()
        (self.proc / "self").mkdir(parents=True)
        self.member()

    def member(self, *lines: str):
        (self.proc / "self/cgroup").write_text("\n".join(lines), encoding="utf-8")

    def write(self, group: str, **files: object):
        folder = self.root / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(f"{text}\n", encoding="utf-8")

    @property
    def groups(self) -> ControlGroups:
        return ControlGroups(self.root, self.proc)

    def memory(self) -> dict[str, tuple[float, float]]:
        """Limit and use in MiB by the group's name."""
        return {
            one.name.removeprefix("control group "): (one.limit_bytes / MIB, one.used_bytes / MIB)
            for one in self.groups.memory()
        }

    def cores(self) -> dict[str, tuple[float, float | None]]:
        return {
            one.name.removeprefix("control group "): (one.cores, one.used_s)
            for one in self.groups.cpu()
        }


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def version_2(tree: Tree) -> Tree:
    tree.write("", cgroup__controllers="cpu memory")
    tree.member("0::/slice/unit")
    return tree


@pytest.fixture
def version_1(tree: Tree) -> Tree:
    tree.member("4:memory:/group", "2:cpuacct:/group", "1:cpu:/group")
    return tree


def memory_2(*, most: object = "max", high: object = "max", used: object = 0, idle: object = 0):
    return {
        "memory__max": most,
        "memory__high": high,
        "memory__current": used,
        "memory__stat": f"anon 4096\ninactive_file {idle}",
    }


def memory_1(*, limit: object, used: int = 0, idle: int = 0, above: object = NO_LIMIT_1):
    return {
        "memory__limit_in_bytes": limit,
        "memory__usage_in_bytes": used,
        "memory__stat": f"hierarchical_memory_limit {above}\ntotal_inactive_file {idle}",
    }


# Memory.


def test_version_2_tells_its_limit_and_its_use_without_idle_file_cache(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=512 * MIB, used=300 * MIB, idle=100 * MIB))

    assert version_2.memory() == {"slice/unit": (512, 200)}


def test_the_lower_of_the_hard_and_the_throttling_limit_counts(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=512 * MIB, high=400 * MIB))

    assert version_2.memory() == {"slice/unit": (400, 0)}


def test_each_group_on_the_way_up_bounds_with_its_own_use(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=512 * MIB, used=100 * MIB))
    version_2.write("slice", **memory_2(most=1024 * MIB, used=990 * MIB))

    assert version_2.memory() == {"slice/unit": (512, 100), "slice": (1024, 990)}


def test_max_is_no_limit(version_2: Tree):
    version_2.write("slice/unit", **memory_2())

    assert version_2.memory() == {}


def test_version_1_tells_its_limit_and_its_use(version_1: Tree):
    version_1.write("memory/group", **memory_1(limit=512 * MIB, used=64 * MIB, idle=4 * MIB))
    version_1.write("memory", **memory_1(limit=NO_LIMIT_1))

    assert version_1.memory() == {"memory/group": (512, 60)}


def test_version_1_tells_limits_of_groups_that_cannot_be_seen(version_1: Tree):
    version_1.write("memory/group", **memory_1(limit=NO_LIMIT_1, above=256 * MIB))

    assert version_1.memory() == {"memory/group": (256, 0)}


def test_both_versions_side_by_side_are_read(tree: Tree):
    tree.member("4:memory:/a", "0::/b")
    tree.write("unified/b", **memory_2(most=700 * MIB))
    tree.write("memory/a", **memory_1(limit=600 * MIB))

    assert tree.memory() == {"unified/b": (700, 0), "memory/a": (600, 0)}


@pytest.mark.parametrize("path", ["/docker/abc", "/../../elsewhere", "/"])
def test_a_container_that_sees_its_group_as_the_root_finds_it(version_2: Tree, path: str):
    version_2.member(f"0::{path}")
    version_2.write("", **memory_2(most=512 * MIB))

    assert version_2.memory() == {".": (512, 0)}


def test_a_group_inside_a_container_is_found_by_the_end_of_its_path(version_2: Tree):
    version_2.member("0::/docker/abc/inner")
    version_2.write("inner", **memory_2(most=128 * MIB))

    assert version_2.memory() == {"inner": (128, 0)}


@pytest.mark.parametrize(
    "files",
    [
        memory_2(most="junk"),
        memory_2(most=512 * MIB, used="much"),
        {"memory__max": 512 * MIB},  # nothing tells the use
        memory_2(most=0),
    ],
)
def test_a_source_that_makes_no_sense_is_left_out(version_2: Tree, files: dict[str, object]):
    version_2.write("slice/unit", **files)
    version_2.write("slice", **memory_2(most=900 * MIB))

    assert version_2.memory() == {"slice": (900, 0)}


def test_junk_about_the_cache_means_that_none_can_be_dropped(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=512 * MIB, used=300 * MIB, idle="much"))

    assert version_2.memory() == {"slice/unit": (512, 300)}


def test_what_is_left_out_is_told_once(version_2: Tree, caplog: pytest.LogCaptureFixture):
    version_2.write("slice/unit", **memory_2(most="junk"))
    groups = version_2.groups

    with caplog.at_level(logging.WARNING, "wiseflow"):
        groups.memory()
        groups.memory()

    assert [record.getMessage() for record in caplog.records] == [
        "A file of the control groups is left out"
    ]


def test_a_folder_in_place_of_a_file_is_left_out(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=512 * MIB))
    (version_2.root / "slice/unit/memory.high").unlink()
    (version_2.root / "slice/unit/memory.high").mkdir()

    assert version_2.memory() == {"slice/unit": (512, 0)}


@pytest.mark.parametrize("line", ["", "junk", "0::", "4:memory", "::::"])
def test_a_membership_that_makes_no_sense_is_no_bound(version_2: Tree, line: str):
    version_2.member(line)
    version_2.write("slice/unit", **memory_2(most=512 * MIB))

    assert version_2.memory() == {}
    assert version_2.cores() == {}


def test_a_system_without_control_groups_has_no_bounds(tmp_path: Path):
    groups = ControlGroups(tmp_path / "none", tmp_path / "none")

    assert groups.memory() == []
    assert groups.cpu() == []


@UNTIMED
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_content_of_files_is_met_with_an_error(tmp_path_factory, content, membership):
    tree = Tree(tmp_path_factory.mktemp("tree"))
    tree.write("", cgroup__controllers="")
    (tree.proc / "self/cgroup").write_bytes(b"0::/\n4:memory,cpu:/\n" + membership)
    for name in ("memory.max", "memory.current", "memory.stat", "cpu.max", "cpu.stat"):
        (tree.root / name).write_bytes(content)
    (tree.root / "memory").mkdir()
    (tree.root / "memory/memory.limit_in_bytes").write_bytes(content)

    for one in (*tree.groups.memory(), *tree.groups.cpu()):
        assert one.name


# Cores.


def test_version_2_tells_its_quota_and_the_time_used(version_2: Tree):
    version_2.write("slice/unit", cpu__max="150000 100000", cpu__stat="usage_usec 2500000")
    version_2.write("slice", cpu__max="max 100000")

    assert version_2.cores() == {"slice/unit": (1.5, 2.5)}


def test_version_1_tells_its_quota_with_the_time_of_a_controller_apart(version_1: Tree):
    version_1.write("cpu/group", cpu__cfs_quota_us=50_000, cpu__cfs_period_us=100_000)
    version_1.write("cpuacct/group", cpuacct__usage=3_000_000_000)
    version_1.write("cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100_000)

    assert version_1.cores() == {"cpu/group": (0.5, 3.0)}


def test_version_1_with_both_controllers_at_one_mount(tree: Tree):
    tree.member("3:cpu,cpuacct:/group")
    tree.write(
        "cpu,cpuacct/group",
        cpu__cfs_quota_us=200_000,
        cpu__cfs_period_us=100_000,
        cpuacct__usage=1_000_000_000,
    )

    assert tree.cores() == {"cpu,cpuacct/group": (2.0, 1.0)}


@pytest.mark.parametrize("quota", ["junk", "", "1 2 3", "100000 0", "-5 100000", "0 100000"])
def test_a_quota_that_makes_no_sense_is_left_out(version_2: Tree, quota: str):
    version_2.write("slice/unit", cpu__max=quota)

    assert version_2.cores() == {}


def test_a_quota_without_a_count_of_time_is_a_bound_all_the_same(version_2: Tree):
    version_2.write("slice/unit", cpu__max="50000 100000")

    assert version_2.cores() == {"slice/unit": (0.5, None)}
    cpu = Machine(version_2.root, version_2.proc).activity(0.0).cpu
    assert [one.cores for one in cpu][:1] == [0.5]


# The machine.


def test_a_reading_tells_the_least_limit_and_the_use_under_it(version_2: Tree):
    version_2.write("slice/unit", **memory_2(most=64 * MIB, used=16 * MIB))
    version_2.write("slice", **memory_2(most=128 * MIB, used=120 * MIB))

    reading = Machine(version_2.root, version_2.proc).read(1.0)

    assert (reading.memory_limit_bytes, reading.memory_used_bytes) == (64 * MIB, 16 * MIB)
    assert reading.memory[-1].name == "the machine"
    assert memory_limit(version_2.root, version_2.proc) == 64 * MIB


def test_the_time_used_under_a_quota_becomes_cores(version_2: Tree):
    version_2.write("slice/unit", cpu__max="150000 100000", cpu__stat="usage_usec 1000000")
    machine = Machine(version_2.root, version_2.proc)
    assert machine.activity(10.0).cpu[0].used_cores == 0.0
    version_2.write("slice/unit", cpu__stat="usage_usec 3000000")

    activity = machine.activity(14.0)

    assert activity.cpu[0].used_cores == pytest.approx(0.5)
    assert activity.cpu_use >= 1 / 3
    assert activity.cores == min(1.5, len(affinity()))


@pytest.mark.parametrize(("quota", "cores"), [("50000 100000", 1), ("1 100000", 1)])
def test_usable_cores_are_quotas_rounded_up(version_2: Tree, quota: str, cores: int):
    version_2.write("slice/unit", cpu__max=quota)

    assert usable_cores(version_2.root, version_2.proc) == cores


def test_usable_cores_without_quotas_are_those_of_the_affinity(tree: Tree):
    assert usable_cores(tree.root, tree.proc) == len(affinity())


def test_own_work_and_that_of_children_is_counted(tree: Tree):
    machine = Machine(tree.root, tree.proc)
    machine.activity(0.0)
    spin = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"
    child = subprocess.Popen(
        [sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    alive = machine.activity(1.0).own_cores
    child.communicate(b"\n")
    ended = machine.activity(2.0).own_cores

    assert alive >= 0.25  # time is counted in ticks
    assert ended < alive  # it is not counted again


def test_figures_of_this_machine_are_in_their_ranges():
    machine = Machine()
    machine.read(0.0)

    reading = machine.read(10.0)

    activity = reading.activity
    assert 0 < reading.memory_used_bytes <= reading.memory_limit_bytes
    assert activity.cores > 0
    assert activity.disk_free_bytes > 0
    assert activity.disk_bytes_per_s >= 0
    assert activity.network_bytes_per_s >= 0
    assert 0 <= activity.disk_busy <= 1
    assert 0 <= activity.network_busy <= 1


def test_stalls_are_read_where_the_kernel_tells_them(tree: Tree):
    folder = tree.proc / "pressure"
    folder.mkdir()
    (folder / "cpu").write_text("some avg10=12.50 avg60=0.66 avg300=2.87 total=1\n")
    (folder / "memory").write_text("junk")
    (folder / "io").write_text("some avg10=\n")

    assert Machine(tree.root, tree.proc).activity(0.0).stalled == {"cpu": 0.125}


def test_figures_that_a_system_does_not_give_are_named_and_told_once(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(psutil, "disk_io_counters", lambda *_, **__: None)
    monkeypatch.setattr(psutil, "net_io_counters", lambda *_, **__: {})
    machine = Machine(tree.root, tree.proc)

    with caplog.at_level(logging.WARNING, "wiseflow"):
        machine.activity(0.0)
        activity = machine.activity(1.0)

    assert activity.missing == ("disk", "network")
    assert (activity.disk_bytes_per_s, activity.network_bytes_per_s) == (0.0, 0.0)
    assert len(caplog.records) == 2


def test_a_child_that_ends_while_it_is_looked_at_costs_nothing(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
):
    gone = psutil.Process()
    monkeypatch.setattr(gone, "cpu_times", lambda: (_ for _ in ()).throw(psutil.NoSuchProcess(1)))
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [gone])

    assert Machine(tree.root, tree.proc).activity(0.0).missing == ()


def test_cores_that_are_off_do_not_disturb(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 4096}, raising=False)

    activity = Machine(tree.root, tree.proc).activity(0.0)

    assert activity.cores == 2
    assert activity.missing == ()


def test_without_affinity_all_cores_are_usable(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    assert usable_cores(tree.root, tree.proc) == os.cpu_count()


def test_the_busiest_link_is_compared_with_its_speed(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    counted = {"lo": (10**9, 10**9), "eth0": (0, 0), "tun0": (0, 0)}

    class Link:
        def __init__(self, sent: int, received: int):
            self.bytes_sent, self.bytes_recv = sent, received

    class State:
        speed = 100  # megabits a second

    monkeypatch.setattr(
        psutil,
        "net_io_counters",
        lambda pernic: {name: Link(*both) for name, both in counted.items()},
    )
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {"eth0": State()})
    machine = Machine(tree.root, tree.proc)
    machine.activity(0.0)
    counted.update(lo=(10**12, 10**12), eth0=(1_000_000, 5_000_000), tun0=(500_000, 0))

    activity = machine.activity(1.0)

    assert activity.network_bytes_per_s == 6_500_000
    assert activity.network_busy == pytest.approx(0.4)


def test_free_bytes_of_a_folder_to_come_are_those_of_where_it_will_be(tmp_path: Path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


# Rates.


@UNTIMED
@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-5, 100)), max_size=30))
def test_a_rate_is_never_negative_and_always_finite(steps: list[tuple[float, float]]):
    rates = Rates()
    now = total = 0.0
    for seconds, more in steps:
        now, total = now + seconds, total + more
        assert 0 <= rates.per_s("bytes", total, now) < math.inf


def test_a_rate_is_over_the_time_since_the_reading_before():
    rates = Rates()

    assert rates.per_s("bytes", 100, 1.0) == 0.0
    assert rates.per_s("bytes", 300, 3.0) == 100.0
    assert rates.per_s("bytes", 999, 3.01) == 100.0  # too soon to tell
    assert rates.per_s("bytes", 500, 5.0) == 100.0
    assert rates.per_s("bytes", 0, 6.0) == 0.0  # it began anew


def test_psutil_is_not_loaded_before_a_machine_is_made():
    code = "import sys, wiseflow.engine.resources; sys.exit('psutil' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

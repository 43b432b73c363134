import dataclasses
import sys

import pytest

from wiseflow.bench.dask_comparison import measure_dask
from wiseflow.bench.engine_executor import EngineExecutor
from wiseflow.bench.plain_executor import PlainExecutor
from wiseflow.bench.spinning import rounds_a_second
from wiseflow.bench.workload_bounds import Bound, bound_of, interactive
from wiseflow.bench.workload_figures import Measured, Outcome, Round, figures_of
from wiseflow.bench.workload_runs import WorkloadPlan, measure_workloads
from wiseflow.bench.workloads import (
    Piece,
    Shape,
    WorkKind,
    Workload,
    load_workloads,
    pieces_of,
    scaled,
)
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import NotFound, WiseflowError

SPEED = 1e6


def piece(number, *, kind=WorkKind.IO, cost_s=1.0, needs=(), **more):
    return Piece(
        piece_id=f"{number}",
        label="piece",
        kind=kind,
        cost_s=cost_s,
        size=cost_s,
        needs=tuple(f"{other}" for other in needs),
        **more,
    )


def workload(shape, *, count=12, width=3, needs=2, groups=1):
    group = {"label": "one", "work": "io", "count": count, "cost": {"typical_s": 0.01}}
    return Workload.model_validate(
        {
            "name": "made",
            "seed": 1,
            "like": "",
            "shape": shape,
            "width": width,
            "needs": needs,
            "groups": [group] * groups,
        }
    )


def outcome(completion_s=1.0, *, utilisation=0.5, response_s=0.5, interactive_s=0.0):
    return Outcome(
        completion_s=completion_s,
        utilisation=utilisation,
        response_s=response_s,
        interactive_s=interactive_s,
    )


def measured(*, plain, ours, again=None, bound_s=0.5, interactive_s=0.0):
    bound = Bound(completion_s=bound_s, response_s=0.1, interactive_s=interactive_s)
    round_ = Round(plain=plain, ours=ours, again=again or plain, bound=bound, speed_up=0.0)
    return Measured(name="made", rounds=[round_])


def told(figures):
    return {figure.measure: figure for figure in figures}


def test_the_file_has_twenty_workloads_of_distinct_names_and_seeds():
    workloads = load_workloads()

    assert len({one.name for one in workloads}) == len({one.seed for one in workloads}) == 20


@pytest.mark.parametrize("one", load_workloads(), ids=lambda one: one.name)
def test_a_seed_gives_the_same_pieces_each_time_and_each_after_what_it_depends_on(one):
    pieces = pieces_of(one)

    assert pieces == pieces_of(one)
    known: dict[str, Piece] = {}
    for each in pieces:
        before = [known[other] for other in (*each.needs, *filter(None, [each.parent]))]
        assert all(other.arrives_s <= each.arrives_s for other in before)
        assert min(each.cost_s, each.size) > 0
        known[each.piece_id] = each
    assert len(known) == len(pieces)


@pytest.mark.parametrize(
    ("shape", "number", "needed"),
    [
        (Shape.INDEPENDENT, 5, ()),
        (Shape.CHAINS, 2, ()),
        (Shape.CHAINS, 5, ("2",)),
        (Shape.FANS, 0, ()),
        (Shape.FANS, 3, ("0", "1", "2")),
        (Shape.FANS, 5, ("3",)),
    ],
)
def test_a_shape_says_what_a_piece_needs(shape, number, needed):
    assert pieces_of(workload(shape))[number].needs == needed


def test_a_piece_of_a_layer_needs_some_of_the_layer_before():
    pieces = pieces_of(workload(Shape.LAYERS))

    assert all(not one.needs for one in pieces[:3])
    assert all(set(one.needs) <= {"3", "4", "5"} and one.needs for one in pieces[6:9])


def test_the_stages_of_a_pipeline_are_its_groups():
    pieces = pieces_of(workload(Shape.PIPELINE, count=4, groups=3))

    assert [one.needs for one in pieces[3:6]] == [(), ("0",), ("1",)]


def test_scaling_changes_times_and_nothing_else():
    one = piece(0, cost_s=2.0, arrives_s=1.0)

    assert scaled([one], 0.5) == [dataclasses.replace(one, cost_s=1.0, arrives_s=0.5)]


def test_a_chain_bounds_the_completion_however_many_slots_there_are():
    chain = [piece(0), piece(1, needs=[0]), piece(2, needs=[1]), piece(3)]

    assert bound_of(chain, cores=2, slots=100).completion_s == 3.0


def test_cpu_work_is_divided_by_what_the_cores_do_and_all_work_by_the_slots():
    work = [piece(number, kind=WorkKind.CPU) for number in range(6)]

    assert bound_of(work, cores=1.5, slots=100).completion_s == 4.0
    assert bound_of([piece(number) for number in range(6)], cores=1, slots=2).completion_s == 3.0


def test_work_that_arrives_late_cannot_be_done_before():
    work = [piece(0), *(piece(number, arrives_s=10.0) for number in range(1, 5))]

    assert bound_of(work, cores=1, slots=2).completion_s == 12.0


def test_failures_cost_their_attempts_and_the_waits_between():
    bound = bound_of([piece(0, failures=2)], cores=1, slots=2)

    assert bound.completion_s == pytest.approx(3.03)


def test_who_hands_pieces_over_ends_with_the_last_of_them():
    nested = [piece(0), piece(1, parent="0", cost_s=4.0)]

    assert bound_of(nested, cores=1, slots=2).response_s == 5.0


def test_the_median_response_is_at_least_the_time_for_the_shorter_half():
    work = [piece(number, kind=WorkKind.CPU, cost_s=1.0 + number) for number in range(4)]

    assert bound_of(work, cores=1, slots=2).response_s == 3.0


def test_those_that_are_more_urgent_than_others_are_interactive():
    urgent = piece(1, priority=TaskPriority.HIGH)

    assert interactive([piece(0), urgent]) == [urgent]
    assert interactive([urgent]) == []


@pytest.mark.parametrize("one", load_workloads(), ids=lambda one: one.name)
async def test_both_executors_do_every_piece_once_after_all_that_it_needs(one):
    pieces = scaled(pieces_of(one), 0.02)
    cores = int(any(each.kind is WorkKind.CPU for each in pieces))

    async with (
        PlainExecutor(workers=8, cores=cores, speed=SPEED) as plain,
        EngineExecutor(slots=8, cores=cores, speed=SPEED) as engine,
    ):
        executions = [await plain.run(pieces), await engine.run(pieces)]

    for execution in executions:
        ends = execution.ends
        assert ends.keys() == {each.piece_id for each in pieces}
        assert all(ends[other] <= ends[each.piece_id] for each in pieces for other in each.needs)
        assert all(ends[each.piece_id] <= ends[each.parent] for each in pieces if each.parent)
        assert execution.failed == {
            each.piece_id: each.failures for each in pieces if each.failures
        }


def test_workloads_are_measured_on_both_executors_and_against_the_bound():
    names = ("mixed cpu and io", "interactive among bulk io")

    figures = measure_workloads(WorkloadPlan(names=names, rounds=1, scale=0.05))

    by_name = {(figure.subject, figure.measure): figure for figure in figures}
    for name in names:
        assert by_name[name, "completion ÷ bound"].value >= 1.0
        assert by_name[name, "completion ÷ plain"].value > 0
    assert by_name["2 workloads", "completion −30 %: reached by"].samples == 2
    assert any("bare processes" in figure.subject for figure in figures)


def test_an_unknown_workload_is_named_with_those_there_are():
    with pytest.raises(NotFound, match=r"no workload 'none'.*even cpu"):
        measure_workloads(WorkloadPlan(names=("none",)))


def test_a_goal_is_reached_or_out_of_reach_or_missed():
    slow, halved = outcome(1.0), outcome(0.6, utilisation=0.8, response_s=0.2)

    figures = told(
        figures_of(
            [
                measured(plain=slow, ours=halved),
                measured(plain=slow, ours=slow),
                measured(plain=slow, ours=slow, bound_s=0.9),
            ]
        )
    )

    assert figures["completion −30 %: reached by"].value == 1
    assert figures["completion −30 %: nobody can on"].value == 1
    assert figures["utilisation +25 %: reached by"].value == 1
    assert figures["P50 response −40 %: reached by"].value == 1
    assert "P50 response of the urgent −40 %: reached by" not in figures


def test_the_urgent_are_judged_where_there_are_any():
    figures = told(
        figures_of(
            [
                measured(plain=outcome(), ours=outcome()),
                measured(
                    plain=outcome(interactive_s=0.4),
                    ours=outcome(interactive_s=0.1),
                    interactive_s=0.1,
                ),
            ]
        )
    )

    assert figures["P50 response of the urgent −40 %: reached by"].value == 1
    assert figures["P50 response of the urgent −40 %: reached by"].samples == 1


def test_what_differs_less_than_the_plain_executor_from_itself_is_noise():
    plain, ours = outcome(1.0), outcome(1.3)

    quiet = told(figures_of([measured(plain=plain, ours=ours)]))
    noisy = told(figures_of([measured(plain=plain, ours=ours, again=outcome(1.5))]))

    assert not quiet["completion ÷ plain"].holds
    assert noisy["completion ÷ plain"].holds


def test_calibration_finds_how_fast_a_core_is():
    assert rounds_a_second() > 1000


def test_without_distributed_the_comparison_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(WiseflowError, match=r"needs the package 'distributed'.*group 'dev'"):
        measure_dask(tasks=10)


def test_a_task_is_measured_on_the_engine_and_on_dask():
    figures = measure_dask(tasks=100, rounds=1)

    assert all(figure.value > 0 for figure in figures)
    assert figures[-1].most == 1 / 20

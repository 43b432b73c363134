from wiseflow.bench.engine import EnginePlan, measure_engine


def test_the_engine_is_measured_against_bare_asyncio_and_nothing_overtakes_a_critical_task():
    figures = measure_engine(EnginePlan(tasks=1_010, pending=(100, 1_000), rounds=1))

    told = {(figure.subject, figure.measure): figure for figure in figures}
    assert told["the engine", "time ÷ TaskGroup"].value > 0
    assert told["a fan of 100", "time ÷ independent tasks"].most == 1.5
    assert told["20000 pending tasks", "KiB a task"].holds
    assert told["a critical task behind 1010", "less urgent ones started before it"].value == 0

from wiseflow.bench.prediction import FAMILIES, measure_predictions


def test_of_every_family_the_range_holds_and_the_mean_is_beaten_where_it_can_be():
    figures = measure_predictions(seed=3, rounds=1)

    seeded = [figure for figure in figures if figure.subject in {one.name for one in FAMILIES}]
    assert len(seeded) == 3 * len(FAMILIES)
    assert [figure for figure in seeded if figure.holds is False] == []


def test_real_work_is_measured_too_and_what_telling_costs():
    figures = measure_predictions(rounds=1)

    told = {(figure.subject, figure.measure): figure for figure in figures[-4:]}
    real = "real: sentences of a text, size its length"
    assert told[real, "share inside the range of 90 %"].bar == 0.85
    assert told[real, "median absolute error, ms"].value > 0
    assert told["telling of a task", "µs, learning included"].value > 0

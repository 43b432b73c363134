from wiseflow.bench.maps import MapPlan, measure_maps


def test_maps_are_measured_against_chunks_by_hand_and_against_a_plain_loop():
    figures = measure_maps(
        MapPlan(counts=(200, 1_000), parts=(1, 2), search_rounds=1, rounds=1, small_rounds=1)
    )

    told = {(figure.subject, figure.measure): figure for figure in figures}
    assert told["200 items of 2 µs", "time ÷ best chunk size by hand"].most == 1.1
    assert told["200 items, hashed_twice", "time ÷ plain loop"].most == 1.05
    assert all(figure.value > 0 for figure in figures)

import json


def test_what_was_done_to_keys_is_told(wiseflow):
    made = wiseflow("keys", "create", "ci").out
    key_id = made.split("_")[1]
    wiseflow("keys", "revoke", key_id)

    told = wiseflow("audit").out.splitlines()

    assert len(told) == 2
    assert "keys revoke" in told[0]
    assert "keys create" in told[1]
    assert all(key_id in line and "local" in line for line in told)
    assert made.strip() not in "".join(told)


def test_it_is_told_as_json_and_in_parts(wiseflow):
    wiseflow("keys", "create", "one")
    wiseflow("keys", "create", "two")

    [newest] = map(json.loads, wiseflow("audit", "--json", "--limit", "1").out.splitlines())
    [older] = map(
        json.loads, wiseflow("audit", "--json", "--before", str(newest["number"])).out.splitlines()
    )

    assert older["number"] < newest["number"]
    assert older["at"] <= newest["at"]


def test_at_first_nothing_was_done(wiseflow):
    assert "Nothing" in wiseflow("audit").out

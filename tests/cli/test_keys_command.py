import json
import re


def listed(wiseflow):
    return [json.loads(line) for line in wiseflow("keys", "list", "--json").out.splitlines()]


def test_a_key_is_printed_once_alone_on_stdout(wiseflow):
    made = wiseflow("keys", "create", "ci", "--scope", "run", "--tenant", "acme")

    assert made.code == 0
    assert re.fullmatch(r"wf_[0-9a-z]{12}_[a-z2-7]{52}\n", made.out)
    assert "not shown again" in made.err
    listed = wiseflow("keys", "list")
    assert made.out.split("_")[1] in listed.out
    assert made.out.split("_")[2].strip() not in listed.out
    assert "acme" in listed.out


def test_a_revoked_key_is_listed_as_such(wiseflow):
    key_id = wiseflow("keys", "create", "ci").out.split("_")[1]

    ended = wiseflow("keys", "revoke", key_id)

    assert ended.code == 0
    [key] = listed(wiseflow)
    assert key["revoked_at"] is not None
    assert not key["live"]


def test_rotating_gives_a_new_key_with_the_same_rights_and_ends_the_old_one(wiseflow):
    old = wiseflow("keys", "create", "ci", "--scope", "admin", "--expires-days", "30", "--rpm", "5")
    old_id = old.out.split("_")[1]

    new = wiseflow("keys", "rotate", old_id)

    found = {
        one["key_id"]: one
        for one in map(json.loads, wiseflow("keys", "list", "--json").out.splitlines())
    }
    assert not found[old_id]["live"]
    made = found[new.out.split("_")[1]]
    assert made["live"]
    assert (made["name"], made["scope"], made["requests_per_minute"]) == ("ci", "admin", 5)
    assert made["expires_at"] is not None


def test_during_a_grace_both_keys_hold(wiseflow):
    old_id = wiseflow("keys", "create", "ci").out.split("_")[1]

    wiseflow("keys", "rotate", old_id, "--grace-hours", "1")

    states = [
        one["live"] for one in map(json.loads, wiseflow("keys", "list", "--json").out.splitlines())
    ]
    assert states == [True, True]


def test_a_revoked_key_is_not_rotated(wiseflow):
    key_id = wiseflow("keys", "create", "ci").out.split("_")[1]
    wiseflow("keys", "revoke", key_id)

    ended = wiseflow("keys", "rotate", key_id)

    assert ended.code == 2
    assert "revoked" in ended.err


def test_a_key_that_is_not_there_is_not_found(wiseflow):
    ended = wiseflow("keys", "revoke", "nothing")

    assert ended.code == 4
    assert "wiseflow keys list" in ended.err


def test_names_that_cannot_be_used_are_refused(wiseflow):
    assert wiseflow("keys", "create", " ").code == 2
    assert wiseflow("keys", "create", "ci", "--tenant", "Not/This").code == 2
    assert wiseflow("keys", "create", "x\x1b[2J").code == 2
    assert wiseflow("keys", "create", "ci", "--expires-days", "999999").code == 2
    assert "no keys" in wiseflow("keys", "list").out

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.cli.topics import Topic, batch_name, topics_from_arguments, topics_from_file
from wiseflow.core.errors import InvalidInput


def write(tmp_path, text, name="topics.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_file_has_one_topic_a_line_without_comments_and_blanks(tmp_path):
    path = write(tmp_path, "# heading\n\nTides\n  Tidal power  \n")

    topics = topics_from_file(path)

    assert [(topic.text, topic.place) for topic in topics] == [
        ("Tides", "topics.txt, line 3"),
        ("Tidal power", "topics.txt, line 4"),
    ]


def test_a_line_of_json_has_its_own_settings_beside_the_topic(tmp_path):
    line = {"topic": "Tides", "id": 7, "priority": "high", "tags": ["sea"], "length": "brief"}
    path = write(tmp_path, json.dumps(line) + "\n", "topics.jsonl")

    [topic] = topics_from_file(path)

    assert topic == Topic(
        text="Tides",
        place="topics.jsonl, line 1",
        settings={"length": "brief"},
        priority="high",
        tags=("sea",),
        metadata={"topic_id": "7"},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"topic": "a"}\n{broken', "line 2: not JSON"),
        ('{"text": "a"}', 'line 1: a line is an object with a "topic"'),
        ('{"topic": ' + "[" * 100_000, "line 1: not JSON"),
        ('{"topic": "a", "tags": "x"}', "tags has to be a list of strings"),
        ('{"topic": "a", "metadata": 3}', "metadata has to be an object"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, said):
    path = write(tmp_path, text)

    with pytest.raises(InvalidInput, match=said):
        topics_from_file(path)


@pytest.mark.parametrize(
    ("field", "cure"),
    [
        ('"tags": "x"', 'Write "tags": ["one", "other"]'),
        ('"metadata": 3', 'Write "metadata": {"name": "value"}'),
    ],
)
def test_a_wrong_field_is_named_with_its_place_and_how_to_write_it(tmp_path, field, cure):
    path = write(tmp_path, f'{{"topic": "a"}}\n{{"topic": "b", {field}}}', "topics.jsonl")

    with pytest.raises(InvalidInput, match=r"topics\.jsonl, line 2: (tags|metadata) ") as raised:
        topics_from_file(path)

    assert raised.value.cure == cure


def test_a_missing_file_and_one_that_is_not_text_are_named(tmp_path):
    binary = tmp_path / "topics.bin"
    binary.write_bytes(b"A good line\n\xff\xfe\x00\xd8")

    with pytest.raises(InvalidInput, match="there is no topics file"):
        topics_from_file(tmp_path / "absent.txt")
    with pytest.raises(InvalidInput, match=r"topics\.bin, line 2: this is not UTF-8"):
        topics_from_file(binary)


def test_a_folder_and_a_file_without_topics_are_named(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read: is a directory"):
        topics_from_file(tmp_path)
    with pytest.raises(InvalidInput, match="holds no topic"):
        topics_from_file(write(tmp_path, "\n  \n# a comment\n"))


def test_an_argument_that_is_not_utf_8_is_refused():
    assert topics_from_arguments(["Gezeiten und 潮"])[0].text == "Gezeiten und 潮"
    with pytest.raises(InvalidInput, match="topic 2: this is not UTF-8"):
        topics_from_arguments(["Tides", "Tides \udcff"])


def test_equal_commands_have_equal_names_and_others_do_not():
    topics = topics_from_arguments(["Tides", "Energy"])

    name = batch_name(topics, {"out": "reports"})

    assert name == batch_name(topics_from_arguments(["Tides", "Energy"]), {"out": "reports"})
    assert name != batch_name(topics, {"out": "elsewhere"})
    assert name != batch_name(topics[:1], {"out": "reports"})


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_topics_have_a_name(texts):
    assert batch_name(topics_from_arguments(texts), {}).startswith("command-")

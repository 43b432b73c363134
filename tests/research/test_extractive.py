"""The pure parts of the extractive author: reading, choosing, grouping, titles, sentences."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.authoring import Assignment, Evidence, EvidenceRequest, Gathered, PlannedSection
from wiseflow.core.configuration import Configuration, ReportLength
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import NoEvidence, NotFound
from wiseflow.research.extractive import authors
from wiseflow.research.extractive.choosing import Scored, diverse, greedy_set
from wiseflow.research.extractive.grouping import agglomerate, members
from wiseflow.research.extractive.planning import make_plan
from wiseflow.research.extractive.reading import lines, names_in, quotable, read
from wiseflow.research.extractive.relevance import Core, least_coverage, relevant
from wiseflow.research.extractive.retrieving import follow_up, gather
from wiseflow.research.extractive.seeding import common_words, seeds_of
from wiseflow.research.extractive.titles import LONGEST_TITLE, Titles, topic_title
from wiseflow.research.extractive.vectors import term_vectors
from wiseflow.research.extractive.wanting import is_question, read_topic
from wiseflow.research.extractive.writing import write_section


class AllRare:
    """A vocabulary in which every word is known and tells alike."""

    def document_frequency(self, term, *, language) -> int:
        return 1

    def inverse_document_frequency(self, term, *, language):
        return 1.0


class NoneKnown(AllRare):
    """A vocabulary that knows no word."""

    def document_frequency(self, term, *, language) -> int:
        return 0


def make_hit(text, *, source_id="s", start=0, title="", heading="", language="en"):
    end = start + len(text)
    passage = Passage(
        passage_id=f"{source_id}:{start}-{end}",
        source_id=source_id,
        start=start,
        end=end,
        text=text,
        title=title,
        heading=heading,
    )
    return Hit(passage=passage, score=1.0, language=language)


def overview_of(*hits):
    return Gathered(evidence=tuple(Evidence(hit=hit, score=1.0) for hit in hits))


def written(*texts, topic="Lakes", length=ReportLength.NORMAL):
    hits = [make_hit(text, source_id=f"s{number}") for number, text in enumerate(texts)]
    assignment = Assignment(
        topic=topic,
        section=PlannedSection(title="Lakes", queries=(topic,)),
        evidence=overview_of(*hits).evidence,
        language="en",
        length=length,
    )
    return [claim.text for claim in write_section(assignment, wanted(topic)).claims]


def wanted(topic, vocabulary=None):
    return read_topic(topic, "en", vocabulary or AllRare())


def tells_alike(_term):
    return 1.0


def read_all(*texts):
    return [read(make_hit(text, source_id=str(number))) for number, text in enumerate(texts)]


class TestReading:
    @given(st.text(max_size=400), st.integers(0, 1000))
    def test_lines_are_spans_of_the_stored_text(self, text, start):
        hit = make_hit(text, start=start)

        for line in lines(hit):
            assert text[line.start - start : line.end - start] == line.text

    @pytest.mark.parametrize(
        "text",
        [
            "8.1. What programs does Debian provide for managing its packages?",
            "8. The Debian package management tools 8.1.",
            "/etc/opt : Configuration files for /opt 3.7.5.",
            "and then it was released to the public in the spring.",
            "Home | About | Contact | Imprint | The legal notice.",
            "WEB1 dashboard list submit progress report citations compare settings flags.",
            "Too short.",
            "The word " + "very " * 80 + "long.",
        ],
    )
    def test_what_is_not_a_whole_statement_is_not_quoted(self, text):
        assert not quotable(text)

    @pytest.mark.parametrize(
        "text",
        [
            "The lake is 636 kilometres long and up to 79 kilometres wide.",
            "“The lake,” he said, “is the deepest of all the lakes in the world.”",
            "Der Befehl baut das Paket und überprüft es mit dem Befehl lintian.",
        ],
    )
    def test_a_whole_statement_is_quoted(self, text):
        assert quotable(text)

    def test_names_are_runs_of_capitalised_words(self):
        found = names_in("The engineer Boris Savrimovich saw the Bank of England in May.")

        assert {"boris savrimovich", "bank of england"} <= found
        assert "the" not in found


class TestTopics:
    @pytest.mark.parametrize("topic", ["Who built it?", "谁建的？", "a b c d e f g h i j k l m n"])
    def test_a_question_is_told_by_its_mark_or_its_length(self, topic):
        assert is_question(topic, "")

    def test_a_subject_is_no_question(self):
        assert not is_question("2022 Crimean Bridge explosion", "en")

    def test_a_topic_of_stop_words_alone_still_asks_for_them(self):
        assert wanted("The Who").weights.keys() == {"the", "who"}

    def test_an_unknown_common_word_asks_for_less_than_an_unknown_name(self):
        topic = wanted("overview of Atlantis", NoneKnown())

        assert topic.weights["atlanti"] > topic.weights["overview"]

    def test_a_lone_known_word_does_not_make_the_rest_the_askers_own(self):
        class KnowsHistory(AllRare):
            def document_frequency(self, term, *, language) -> int:
                return int(term == "history")

        topic = wanted("The history of the saxophone", KnowsHistory())

        assert topic.weights["saxophon"] == topic.weights["histori"]

    def test_a_long_question_needs_a_smaller_share(self):
        short = wanted("How do volcanoes form?")
        long = wanted("In which city was the engineer of the railway along the lake born?")

        assert least_coverage(long) < least_coverage(short)

    def test_a_whole_text_as_topic_needs_a_smaller_share_still(self):
        question = wanted(" ".join(f"word{number}" for number in range(20)))
        text = wanted(" ".join(f"word{number}" for number in range(90)))

        assert 0 < least_coverage(text) < least_coverage(question)

    @given(st.text(max_size=200))
    def test_any_topic_can_be_read(self, topic):
        read = wanted(topic)

        assert 0 <= read.coverage(set(read.weights)) <= 1 + 1e-9


class TestChoosing:
    def test_the_second_passage_is_the_one_the_first_leads_to(self):
        railway = make_hit("The railway was planned by Boris Savrimovich.", title="Railway")
        person = make_hit("He was born in Riga.", source_id="p", title="Boris Savrimovich")
        other = make_hit("Anna Petrova was born in Omsk.", source_id="o", title="Anna Petrova")
        readings = [read(hit) for hit in (other, railway, person)]

        chosen = greedy_set(readings, wanted("Where was the railway planner born?"), 2)

        assert [item.reading.hit for item in chosen] == [railway, person]

    def test_nothing_is_chosen_from_nothing(self):
        assert greedy_set([], wanted("x"), 3) == []

    def test_a_follow_up_asks_for_what_is_uncovered_and_for_names(self):
        reading = read(make_hit("The railway was planned by Boris Savrimovich.", title="Railway"))

        query = follow_up(wanted("Where was the railway planner born?"), reading)

        assert "born" in query
        assert "boris savrimovich" in query

    def test_near_duplicates_are_taken_once(self):
        text = "The deep cold lake lies between high snowy mountains of the far north."
        others = ["Seals eat small fish here.", "Trains carry many tourists along the coast."]
        found = [
            Scored(reading=read(make_hit(text, source_id=str(number))), score=1.0)
            for number, text in enumerate([text, text, *others])
        ]

        assert len(diverse(found, 10, ())) == 3

    def test_passages_that_have_what_is_asked_come_first(self):
        found = [
            Scored(reading=read(make_hit(text, source_id=text)), score=1.0)
            for text in ("Trains carry tourists.", "Seals eat fish.")
        ]

        assert diverse(found, 1, {"seal"})[0].reading.hit.passage.text == "Seals eat fish."

    def test_nothing_is_relevant_where_little_of_the_topic_is_held(self):
        readings = [read(make_hit("Bread is baked in an oven."))]

        assert relevant(readings, wanted("Deep frozen lakes of bread"), [1.0]) == []
        assert relevant([], wanted("Lakes"), []) == []

    def test_all_of_a_small_pool_that_holds_the_subject_is_relevant(self):
        readings = [
            read(make_hit(f"The lake number {number} is deep.", source_id=str(number)))
            for number in range(3)
        ]

        core = Core(seeds=[0], rarity=tells_alike)

        assert len(relevant(readings, wanted("Lake"), [1.0, 0.9, 0.8], core)) == 3

    def test_a_lacking_number_does_not_hide_what_the_words_find(self):
        readings = [read(make_hit("The tidal power plant stands by the sea."))]
        core = Core(seeds=[0], rarity=tells_alike)

        assert relevant(readings, wanted("Tidal [31m power"), [1.0], core)

    def test_what_only_a_follow_up_found_does_not_make_a_topic_known(self):
        readings = [read(make_hit("The lake is deep."))]
        core = Core(seeds=[0], rarity=tells_alike)

        assert relevant(readings, wanted("Lake"), [0.0], core) == []


class TestSeeding:
    CRISIS = (
        "The Prime Minister of the UK resigned after the crisis of the government.",
        "Ministers of the government resigned, and the Prime Minister faced a crisis.",
        "After the crisis the Prime Minister of the UK named a new government.",
    )
    FILMS = (
        "The film was released in the United Kingdom in July.",
        "In the United Kingdom the singer went on tour in July.",
    )
    TOPIC = "July 2022 United Kingdom government crisis"

    def test_the_group_that_is_alike_and_holds_all_of_the_subject_is_taken(self):
        readings = read_all(*self.FILMS, *self.CRISIS)

        assert set(seeds_of(readings, wanted(self.TOPIC), tells_alike)) >= {2, 3, 4}

    def test_initials_stand_for_the_name(self):
        topic = wanted(self.TOPIC)
        with_initials, without = read_all("The UK has a government.", "There is a government.")

        assert topic.share_in(with_initials) > topic.share_in(without)
        assert topic.share_in(read(make_hit("Uk and us."))) == 0

    def test_common_words_are_those_of_several_seeds_as_they_are_written(self):
        words = common_words(read_all(*self.CRISIS), wanted(self.TOPIC), tells_alike)

        assert {"Prime", "Minister"} <= set(words)
        assert "faced" not in words
        assert "government" not in words

    def test_nothing_has_no_seeds(self):
        assert seeds_of([], wanted("Lakes"), tells_alike) == []

    @given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.text(max_size=40))
    def test_any_passages_have_seeds_among_them(self, texts, topic):
        readings = read_all(*texts)

        seeds = seeds_of(readings, wanted(topic), tells_alike)

        assert seeds == seeds_of(readings, wanted(topic), tells_alike)
        assert seeds
        assert len(set(seeds)) == len(seeds)
        assert set(seeds) <= set(range(len(readings)))


class TestGrouping:
    def test_alike_rows_stand_together(self):
        counts = [{"a": 1, "x": 1}, {"a": 1, "y": 1}, {"b": 1, "x": 1}, {"b": 1, "y": 1, "z": 1}]
        counts = [{key: 3 if key in "ab" else 1 for key in row} for row in counts]

        assert agglomerate(term_vectors(counts), 2) == [[0, 1], [2, 3]]

    @given(st.integers(1, 12), st.integers(1, 5))
    def test_every_row_is_in_exactly_one_group(self, rows, most):
        vectors = np.random.default_rng(rows).random((rows, 4))

        groups = agglomerate(vectors, most)

        assert sorted(row for group in groups for row in group) == list(range(rows))
        assert len(groups) <= max(most, 1) or rows <= most

    def test_small_groups_are_left_out_and_the_best_passage_leads(self):
        assert members([[3, 4], [1], [0, 2]], least=2) == [[0, 2], [3, 4]]


class TestTitles:
    def test_a_common_heading_is_the_title_without_its_number(self):
        readings = [
            read(make_hit(f"The text {number}.", heading="Guide › 3.2. Wildlife and plants"))
            for number in range(3)
        ]

        assert Titles(readings, (), AllRare()).of_group(readings) == "Wildlife and plants"

    def test_a_group_is_called_after_the_phrase_that_tells_it(self):
        seals = [
            read(make_hit(f"In year {n} the Baikal Seal eats the fish.", source_id=f"s{n}"))
            for n in range(3)
        ]
        trains = [
            read(make_hit(f"In year {n} a train follows the coast.", source_id=f"t{n}"))
            for n in range(3)
        ]

        titles = Titles([*seals, *trains], ("lake",), AllRare())

        assert titles.of_group(seals) == "Baikal Seal"
        assert "rain" in titles.of_group(trains)

    def test_no_title_is_given_twice(self):
        readings = [read(make_hit("The text.", title="Guide"))]
        titles = Titles(readings, (), AllRare())

        assert titles.of_sources(readings) == "Guide"
        assert titles.of_sources(readings) == "Guide (2)"

    def test_a_long_document_title_is_cut(self):
        readings = [read(make_hit("The text.", title="word " * 40))]

        assert len(Titles(readings, (), AllRare()).of_sources(readings)) <= LONGEST_TITLE

    def test_two_titles_are_joined_unless_one_is_joined_already(self):
        both = [
            read(make_hit("A text.", title="Guide", source_id="a")),
            read(make_hit("B text.", title="Manual", source_id="b")),
        ]
        joined = [both[0], read(make_hit("C text.", title="Why, and how", source_id="c"))]

        assert Titles(both, (), AllRare()).of_sources(both) == "Guide and Manual"
        assert Titles(joined, (), AllRare()).of_sources(joined) == "Guide"

    def test_a_whole_is_called_after_what_half_of_it_names(self):
        texts = [f"In year {n} it met the Seal Bay {n}." for n in range(3)]
        readings = read_all(*texts)

        assert Titles(readings, (), AllRare()).of_whole(readings, "en") == "Seal Bay"
        assert Titles(readings[:1], (), AllRare()).of_whole(readings[:1], "de") == "Seal Bay"
        assert Titles([], (), AllRare()).of_whole(read_all("It is."), "de") == "Überblick"

    def test_two_common_words_give_way_to_the_heading_of_the_best_passage(self):
        group = [
            read(make_hit("A drive has a size. It is so.", source_id="a", heading="Disks › Sizes")),
            read(make_hit("The drive and the size are big.", source_id="b", heading="Big")),
            read(make_hit("Of the size, the drive tells.", source_id="c", heading="Small")),
        ]

        assert Titles(group, (), AllRare()).of_group(group) == "Sizes"

    def test_nothing_that_stands_out_gives_no_title(self):
        readings = [read(make_hit("The text.")), read(make_hit("Words only.", source_id="b"))]

        assert Titles(readings, (), AllRare()).of_group(readings) == ""
        assert Titles(readings, (), AllRare()).of_sources(readings) == ""

    def test_the_rest_is_titled_in_its_language(self):
        assert Titles([], (), AllRare()).of_rest("de") == "Überblick"
        assert Titles([], (), AllRare()).of_rest("xx") == "Overview"

    def test_a_report_is_titled_by_its_topic(self):
        assert topic_title("rate limits of IBM") == "Rate limits of IBM"


class TestPlanning:
    def test_nothing_found_has_no_plan(self):
        with pytest.raises(NoEvidence, match="hold nothing on 'Lakes'"):
            make_plan("Lakes", Configuration(), Gathered(evidence=()), AllRare())

    def test_a_long_topic_is_cut_in_the_message(self):
        with pytest.raises(NoEvidence) as caught:
            make_plan("x" * 2000, Configuration(), Gathered(evidence=()), AllRare())

        assert len(caught.value.message) < 300

    def test_the_language_is_that_of_most_evidence_unless_it_is_given(self):
        overview = overview_of(
            make_hit("Der See ist tief.", language="de"),
            make_hit("Er ist auch kalt.", source_id="b", language="de"),
            make_hit("It is cold.", source_id="c"),
        )

        assert make_plan("See", Configuration(), overview, AllRare()).language == "de"
        given_language = Configuration(language="en")
        assert make_plan("See", given_language, overview, AllRare()).language == "en"

    def test_a_question_without_titled_documents_gets_an_overview(self):
        overview = overview_of(make_hit("It is deep."), make_hit("Or so.", source_id="b"))

        plan = make_plan("How deep is it?", Configuration(), overview, AllRare())

        assert [section.title for section in plan.sections] == ["Overview"]

    def test_different_material_gets_sections_of_its_own(self):
        seals = [
            make_hit(
                f"Seals of the lake eat golomyanka fish in the Seal Bay. Ice {n} is thick there.",
                source_id=f"s{n}",
                heading="Wildlife",
            )
            for n in range(4)
        ]
        trains = [
            make_hit(
                f"The railway line carries tourists through tunnel {n} near the coast station.",
                source_id=f"t{n}",
                heading="Transport",
            )
            for n in range(4)
        ]

        plan = make_plan("Lake", Configuration(), overview_of(*seals, *trains), AllRare())

        assert {"Wildlife", "Transport"} <= {section.title for section in plan.sections}
        assert all(section.queries for section in plan.sections)


class TestWriting:
    def test_a_pronoun_is_only_said_after_what_it_stands_for(self):
        text = "The lake lies in the south of Siberia. It is the deepest of all the lakes."

        assert written(text) == [*text.split(" It")[:1], "It is the deepest of all the lakes."]

    def test_a_pronoun_that_lost_its_sentence_is_not_said(self):
        assert written("It is the deepest of all the lakes in the world.") == []

    def test_no_passage_fills_a_section_alone(self):
        text = " ".join(f"The lake number {n} is of the kind {n * 7}." for n in range(9))

        assert len(written(text, length=ReportLength.DETAILED)) <= 3

    def test_a_brief_section_has_fewer_claims(self):
        texts = [
            f"The lake of {one} is {two} and it has {three} {two}s by the {one} {three}."
            for one, two, three in ("abc", "def", "ghi", "klm", "nop", "qrs", "tuv")
        ]

        assert len(written(*texts, length=ReportLength.BRIEF)) == 3
        assert len(written(*texts, length=ReportLength.NORMAL)) == 5


def test_what_crosses_to_a_worker_can_be_pickled(indexed):
    folder, _ = indexed
    request = EvidenceRequest(topic="Lake Baikal", queries=("Lake Baikal",), limit=5)

    gathered = gather(folder, request)

    assert pickle.loads(pickle.dumps(gathered)) == gathered
    for function in (gather, authors.plan, authors.write, authors.synthesise):
        assert pickle.loads(pickle.dumps(function)) is function


def test_evidence_is_within_its_limit_and_counts_what_was_considered(indexed):
    folder, _ = indexed
    request = EvidenceRequest(
        topic="Lake Baikal", queries=("Lake Baikal seals", "Lake Baikal railway"), limit=2
    )

    gathered = gather(folder, request)

    assert len(gathered.evidence) == 2
    assert gathered.queries[0] == "Lake Baikal"
    assert len(gathered.considered) == len(set(gathered.considered)) >= 2


def test_a_collection_without_an_index_is_named(tmp_path):
    request = EvidenceRequest(topic="Lakes", queries=("Lakes",), limit=2)

    with pytest.raises(NotFound, match="there is no index"):
        gather(tmp_path / "none", request)

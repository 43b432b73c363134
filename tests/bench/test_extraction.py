from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from wiseflow.bench.extraction import f1_of_means, measure_articles, measure_pdfs, trigram_f1

PARAGRAPH = "The museum opened its doors to the public in the spring of that year, and many came."


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    html = tmp_path / "articles" / "html"
    html.mkdir(parents=True)
    page = f"<html><body><article><p>{PARAGRAPH}</p></article></body></html>"
    (html / "one.html.gz").write_bytes(gzip.compress(page.encode()))
    (html / "two.html.gz").write_bytes(gzip.compress(b"<html><script>x</script></html>"))
    gold = [{"id": "one", "articleBody": PARAGRAPH}, {"id": "two", "articleBody": PARAGRAPH}]
    lines = "\n".join(json.dumps(row) for row in gold)
    (tmp_path / "articles" / "gold.jsonl").write_text(lines, "utf-8")
    (tmp_path / "pdf").mkdir()
    (tmp_path / "pdf" / "broken.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "pdf" / "broken.txt").write_text(PARAGRAPH, "utf-8")
    return tmp_path


def test_articles_give_f1_and_the_empty_pages(data_dir):
    f1, empty = measure_articles(data_dir)

    assert f1.bar == 0.955
    assert f1.samples == 2
    assert f1.value == pytest.approx(2 / 3)
    assert empty.value == 1
    assert empty.holds is False


def test_pdfs_give_mean_least_and_a_figure_a_file(data_dir):
    mean, least, one = measure_pdfs(data_dir)

    assert (mean.value, mean.bar) == (0, 0.86)
    assert (least.value, least.bar) == (0, 0.65)
    assert one.subject == "pdf, broken"


def test_trigrams_take_ideographs_one_by_one():
    assert trigram_f1("中文文本 and more words", "中 文 文 本 AND more words") == 1
    assert trigram_f1("one two three four", "two three four five") == 0.5
    assert trigram_f1("", "") == 1
    assert trigram_f1("one", "") == 0


def test_f1_is_that_of_the_mean_precision_and_recall():
    value, low, high = f1_of_means([(1.0, 0.5), (0.5, 1.0)])

    assert value == pytest.approx(0.75)
    assert low - 1e-9 <= value <= high + 1e-9

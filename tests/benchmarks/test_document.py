"""What the benchmarks write of their figures; not the figures, which are every machine's own."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from benchmarks import bars, capacity, document, figures, report, tables, targets

DOOR = {"cpu": 2.0, "p50": 9.0, "p95": 12.0, "p99": 20.0, "per_second": 400.0, "memory": 90.0}
ALONE = {"alone_p50": 3.0, "alone_p99": 5.0, "both_cores_per_second": 600.0}


def measured(**doors: float) -> figures.Figures:
    """Figures in which these doors took part, with so many ms of CPU each."""
    return {"messages": {"figures": {key: DOOR | ALONE | {"cpu": cpu} for key, cpu in doors.items()}}}


def test_ratio_says_how_many_times_the_other_it_is():
    assert tables.ratio(1.0, 2.0) == "0.50 ×"
    assert tables.ratio(1.0, None) == "–"


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (999, "999 B"), (1_500, "1.50 kB"), (2e12, "2 TB")])
def test_amounts_have_a_prefix(value, said):
    assert tables.amount(value, "B").startswith(said)


def test_table_is_markdown():
    assert tables.table(["a", "b"], [["x", 1234.5]]) == "| a | b |\n| --- | ---: |\n| x | 1,234 |"


def test_doors_are_compared_with_express_and_litellm():
    told = report.doors(measured(nginx=0.1, new=2.0, express=4.0, litellm=20.0))
    assert "no history | 2 | 0.50 × | 0.10 × |" in told


def test_peer_that_did_not_take_part_is_a_dash():
    assert "no history | 2 | – | – |" in report.doors(measured(nginx=0.1, new=2.0))


def test_target_is_met_missed_or_not_measured():
    told = report.wanted(measured(new=2.0, express=4.0, kept=1.0))
    assert "| 0.50 × | met |" in told
    assert "| **missed** |" in told  # the cache costs half
    assert "| – | not measured |" in told  # no LiteLLM


def test_every_target_finds_its_figure_in_the_last_measurement():
    missing = [target.what for target, value in targets.checked(figures.load()) if value is None]
    assert not missing


def test_text_between_the_marks_is_replaced_and_nothing_else():
    text = "before\n<!-- bench: doors -->\nold\n<!-- end -->\nafter\n<!-- bench: other -->\nkept\n<!-- end -->\n"
    filled = document.filled(text, {"doors": "new"})
    assert filled == text.replace("old", "new")


def test_document_has_a_place_for_each_table():
    text = document.FILE.read_text()
    assert {name for name in document.sections(figures.load()) if f"<!-- bench: {name} -->" not in text} == set()


def test_document_and_picture_are_those_of_the_figures_kept():
    known = figures.load()
    assert document.filled(document.FILE.read_text(), document.sections(known)) == document.FILE.read_text()
    assert bars.picture(known) == document.PICTURE.read_text()


def test_picture_is_an_svg():
    assert ET.fromstring(bars.picture(measured(nginx=0.1, new=2.0))).tag.endswith("svg")


def test_what_gives_in_first_stands_first():
    found = [at for _, at, _ in capacity.limits(capacity.costs(figures.load()))]
    assert found == sorted(found)

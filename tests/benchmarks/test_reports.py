"""The tables, charts and documents of the benchmarks; the figures themselves depend on the machine."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from benchmarks.reports import capacity, charts, figures, performance_doc, sections, tables, targets

ENDPOINT = {"cpu": 2.0, "p50": 9.0, "p95": 12.0, "p99": 20.0, "per_second": 400.0, "memory": 90.0}
ALONE = {"alone_p50": 3.0, "alone_p99": 5.0, "both_cores_per_second": 600.0}


def measured(**endpoints: float) -> figures.Figures:
    """Figures of these endpoints, with so many ms of CPU each."""
    return {"messages": {"figures": {key: ENDPOINT | ALONE | {"cpu": cpu} for key, cpu in endpoints.items()}}}


def test_ratio_is_a_multiple_of_the_reference():
    assert tables.format_ratio(1.0, 2.0) == "0.50 ×"
    assert tables.format_ratio(1.0, None) == "–"


@pytest.mark.parametrize(("value", "formatted"), [(0, "0"), (999, "999 B"), (1_500, "1.50 kB"), (2e12, "2 TB")])
def test_amounts_have_an_si_prefix(value, formatted):
    assert tables.format_amount(value, "B").startswith(formatted)


def test_table_is_markdown():
    assert tables.table(["a", "b"], [["x", 1234.5]]) == "| a | b |\n| --- | ---: |\n| x | 1,234 |"


def test_endpoints_are_compared_with_express_and_litellm():
    text = sections.messages(measured(nginx=0.1, new=2.0, express=4.0, litellm=20.0))
    assert "no history | 2 | 0.50 × | 0.10 × |" in text


def test_a_peer_that_was_not_measured_is_a_dash():
    assert "no history | 2 | – | – |" in sections.messages(measured(nginx=0.1, new=2.0))


def test_the_costs_of_layers_tell_their_date():
    layers = {"layers": {"when": "2026-01-02", "figures": {"": 5.0, "metrics": 1.0}}}
    assert "2026-01-02" in sections.layers(layers)
    assert "2026-01-02" in charts.draw(measured(nginx=0.1, new=2.0) | layers)


def test_target_is_met_missed_or_not_measured():
    text = sections.target_values(measured(new=2.0, express=4.0, cached=1.0, **{"express-cached": 1.0}))
    assert "| 0.50 × | met |" in text
    assert "| **missed** |" in text  # a cached answer costs as much as Express'
    assert "| – | not measured |" in text  # no LiteLLM


def test_every_target_finds_its_figure_in_the_last_measurement():
    missing = [target.name for target, value in targets.evaluate(figures.load()) if value is None]
    assert not missing


def test_only_the_text_between_placeholders_is_replaced():
    text = "before\n<!-- bench: messages -->\nold\n<!-- end -->\nafter\n<!-- bench: other -->\nkept\n<!-- end -->\n"
    filled = performance_doc.fill(text, {"messages": "new"})
    assert filled == text.replace("old", "new")


def test_the_document_has_a_placeholder_for_each_table():
    text = performance_doc.FILE.read_text()
    assert {
        name for name in performance_doc.tables_of(figures.load()) if f"<!-- bench: {name} -->" not in text
    } == set()


def test_document_and_chart_match_the_stored_figures():
    stored = figures.load()
    text = performance_doc.FILE.read_text()
    assert performance_doc.fill(text, performance_doc.tables_of(stored)) == text
    assert charts.draw(stored) == performance_doc.CHART.read_text()


def test_the_chart_is_an_svg():
    assert ET.fromstring(charts.draw(measured(nginx=0.1, new=2.0))).tag.endswith("svg")


def test_the_first_limit_reached_comes_first():
    streams = [at for _, at, _ in capacity.limits(capacity.costs(figures.load()))]
    assert streams == sorted(streams)

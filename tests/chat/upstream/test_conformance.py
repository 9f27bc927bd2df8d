from __future__ import annotations

import pytest

from tests.chat.upstream.conformance import PAGE, Outcome, Player, expected, write_page
from tests.chat.upstream.scenarios import OWN, SCENARIOS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outcomes(visitor, another_visitor, monkeypatch) -> dict[str, Outcome]:
    """What people get in each scenario."""
    player = Player(visitor, another_visitor, monkeypatch)
    return {name: player.play(name) for name in SCENARIOS}


@pytest.mark.timeout(240)
def test_people_get_what_is_expected_in_every_scenario_and_the_page_says_so(outcomes):
    wrong = {name: got for name, got in outcomes.items() if got != expected(SCENARIOS[name])}
    assert wrong == {}
    assert write_page(outcomes) == PAGE.read_text(), "run `make conformance`"


def test_there_are_scenarios_of_other_peoples_services_and_enough_of_our_own():
    seen_at = [scenario.seen_at for scenario in SCENARIOS.values()]
    assert len(seen_at) >= 120
    assert seen_at.count(OWN) >= 40

"""What can be asked for, and that nothing else is guessed."""

from __future__ import annotations

from datetime import date

import pytest

from aggregation.backfill import slices
from aggregation.options import Options
from tests.aggregation.conftest import TODAY
from whalefall.errors import ValidationFailed


@pytest.mark.parametrize(
    "asked",
    [
        {"periods": ["daily", "yearly"]},
        {"periods": ["daily", "daily"]},
        {"periods": ["Daily"]},
        {"periods": []},
        {"scope": "tables"},
        {"start_date": "2026-03-01"},
        {"start_date": "2026-03-02", "end_date": "2026-03-01"},
        {"start_date": "March", "end_date": "2026-03-01"},
    ],
)
def test_what_is_not_understood_is_refused(asked):
    with pytest.raises(ValidationFailed):
        Options.of(asked)


def test_a_session_means_what_was_asked_for():
    asked = {
        "periods": ["weekly", "daily"], "scope": "database", "use_current_period": True,
        "start_date": date(2026, 1, 1), "end_date": date(2026, 2, 1),
    }  # fmt: skip
    options = Options.of(asked)
    assert options.types == ("daily", "weekly")
    assert Options.of(options.parameters()) == options
    assert Options.of(Options().parameters()) == Options()


def test_a_back_fill_covers_every_complete_period_of_its_range_once():
    options = Options.of({"start_date": "2025-11-20", "end_date": "2026-03-18"})
    parts = list(slices(options, TODAY))
    for type in options.types:
        found = [period for part in parts if type in part.types for period in part.periods(type, TODAY)]
        assert found == options.periods(type, TODAY)
        assert len(found) == len(set(found)) > 0
        assert found[-1].end < TODAY


def test_a_back_fill_of_nothing_is_refused():
    with pytest.raises(ValidationFailed):
        list(slices(Options.of({"start_date": TODAY, "end_date": TODAY}), TODAY))

"""A few random flows with every run, the cases that once differed, and the tools of the fuzzer themselves."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pricetime import COMPILED
from pricetime.reference.records import Report
from tests.books import Step
from tests.fuzz.__main__ import main
from tests.fuzz.case import Case
from tests.fuzz.venue import VenueCase, load
from tests.properties.side_by_side import SideBySide

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))


@pytest.mark.parametrize("seed", range(40))
def test_random_flows(seed: int) -> None:
    Case.draw(seed, 300).play(compare_every=5)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases(path: Path) -> None:
    load(path).play()


@pytest.mark.parametrize("seed", range(40 if COMPILED else 8))
def test_random_flows_of_venues(seed: int) -> None:
    VenueCase.draw(seed, 200).play(compare_every=10)


def test_a_case_is_the_same_once_saved(tmp_path: Path) -> None:
    case = Case.draw(7, 50)
    case.save(tmp_path / "case.json")
    assert Case.load(tmp_path / "case.json") == case
    assert Case.draw(7, 50) == case


@pytest.mark.parametrize("seed", [7, 26])
def test_a_case_of_a_venue_is_the_same_once_saved(tmp_path: Path, seed: int) -> None:
    case = VenueCase.draw(seed, 50)
    case.save(tmp_path / "case.json")
    again = load(tmp_path / "case.json")
    assert {"limits": {}} | case.settings == again.settings
    assert [step.tobytes() for step in case.steps] == [step.tobytes() for step in again.steps]


def test_a_difference_is_found_made_smaller_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A book under test that takes one lot more off an order than it is asked to."""
    honest = SideBySide.step

    def careless(books: SideBySide, step: Step) -> list[Report]:
        if step[0] == "reduce_order" and step[1]["order_id"] in books.called:
            books.called.reduce_order(step[1]["order_id"], 1)
        return honest(books, step)

    monkeypatch.setattr(SideBySide, "step", careless)
    found = CliRunner().invoke(main, ["--seed", "1", "--steps", "300", "--seconds", "60", "--out", str(tmp_path)])
    assert found.exit_code == 1
    [written] = tmp_path.iterdir()
    assert f"--replay {written}" in found.output
    assert len(Case.load(written).steps) == 2
    monkeypatch.undo()
    again = CliRunner().invoke(main, ["--replay", str(written)])
    assert again.exit_code == 0
    assert "agree" in again.output


def test_a_run_without_a_difference(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["--seed", "1", "--steps", "20", "--seconds", "0", "--out", str(tmp_path)])
    assert run.exit_code == 0
    assert "2 flows agree, 40 commands" in run.output
    assert not list(tmp_path.iterdir())

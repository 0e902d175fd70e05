"""``pricetime explain``."""

import json
from pathlib import Path

import pytest

from tests.cli.run import bad, good
from tests.log.reference import journal, snapshot_after

WRITTEN = journal([45, 40])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "journal"
    made.mkdir()
    for name, data in (*WRITTEN.files.items(), snapshot_after(WRITTEN, 60)):
        (made / name).write_bytes(data)
    return made


def test_an_order_by_its_reference(folder: Path) -> None:
    lines = good("explain", folder, "3").splitlines()
    assert lines[0].startswith("order ")
    assert lines[0].endswith("reference 3")
    names = [line[2:12].strip() for line in lines[1:]]
    assert names[:2] == ["terms", "accepted"]
    assert names[-1] == "why"
    assert "after command 85" in good("explain", folder, "3")
    assert "after command 20" in good("explain", folder, "3", "--at", "20")


def test_an_order_by_owner_and_id(folder: Path) -> None:
    found = json.loads(good("explain", folder, "3", "--json"))
    owner, number = divmod(found["order_id"], 1 << 48)
    named = ("--instrument", str(found["instrument"]))
    again = json.loads(good("explain", folder, f"{owner}:{number}", *named, "--json"))
    assert again == found
    assert found["accepted"]["kind"] == "ACCEPTED"
    assert found["reference"] == 3
    assert good("explain", folder, f"{owner}:{number}").startswith(f"order {number} of owner {owner} on instrument")


def test_what_it_cannot_explain(folder: Path, tmp_path: Path) -> None:
    assert bad("explain", folder, "9999") == "Error: the journal has no order reference 9999 up to command 85"
    assert "'three' is not an order: give OWNER:ID, such as 3:7" in bad("explain", folder, "three", code=2)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no journal" in bad("explain", empty, "3", code=2)


def test_a_bad_snapshot_is_named(folder: Path) -> None:
    (folder / f"{60:020}.snapshot").write_bytes(b"nothing")
    assert "skipped: " in good("explain", folder, "3")

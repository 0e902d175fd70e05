"""A journal and a snapshot of the version that is written, made once: they make the same books, in both forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from pricetime.log.directory import Directory
from pricetime.log.layout import VERSION
from pricetime.log.replay import Replay
from pricetime.log.snapshot import good_snapshots
from pricetime.log.verify import verify

FORMATS = Path(__file__).parent / "formats"
VERSIONS = sorted(path.name for path in FORMATS.glob("v*"))


def expected_of(version: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((FORMATS / version / "expected.json").read_text(encoding="utf-8"))
    return expected


def made(replay: Replay) -> tuple[str, int, str]:
    return f"{replay.digest():016x}", replay.engine.seq_num, f"{replay.report_checksum:08x}"


def test_there_is_one_of_this_version() -> None:
    assert [f"v{VERSION}"] == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_it_replays(version: str) -> None:
    expected = expected_of(version)
    replay = Replay(Directory(FORMATS / version))
    assert replay.run_to_end().clean
    assert replay.commands == expected["commands"]
    assert replay.snapshots == [expected["snapshot"]]
    assert replay.checkpoints > 0
    assert made(replay) == (expected["digest"], expected["reports"], expected["report_checksum"])
    assert [instrument.symbol for instrument in replay.configuration.instruments] == expected["instruments"]


@pytest.mark.parametrize("version", VERSIONS)
def test_its_snapshot_is_a_beginning(version: str) -> None:
    expected = expected_of(version)
    directory = Directory(FORMATS / version)
    (snapshot,) = good_snapshots(directory)
    assert f"{snapshot.books:016x}" == expected["snapshot_digest"]
    assert snapshot.owners["owner"].tolist() == [1, 2, 4]
    assert (len(snapshot.stream_reports), len(snapshot.feed_reports), snapshot.epoch) == (5, 20, 0)
    assert snapshot.feed_checksum == 55
    replay = Replay(directory, snapshot)
    assert replay.run_to_end().clean
    assert made(replay) == (expected["digest"], expected["reports"], expected["report_checksum"])


@pytest.mark.parametrize("version", VERSIONS)
def test_all_of_it_is_right(version: str) -> None:
    assert verify(Directory(FORMATS / version)).faults == []

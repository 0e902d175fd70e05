"""``pricetime journal`` and ``pricetime replay`` of a journal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pricetime.log.directory import Directory
from tests.cli.run import bad, figures, good, run
from tests.log import written
from tests.log.reference import CONFIGURATION, journal, snapshot_after

WRITTEN = journal([45, 40])
DIGEST = f"{WRITTEN.public[-1]:016x}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good journal with two snapshots."""
    made = tmp_path / "journal"
    made.mkdir()
    for name, data in (*WRITTEN.files.items(), snapshot_after(WRITTEN, 30), snapshot_after(WRITTEN, 60)):
        (made / name).write_bytes(data)
    return made


@pytest.fixture
def damaged(folder: Path) -> Path:
    """One with a broken record, number 20 of the second segment: command 64."""
    path = folder / "00000002.journal"
    data = bytearray(path.read_bytes())
    data[WRITTEN.segments[1].offsets[20] + 40] ^= 1
    path.write_bytes(data)
    return folder


def test_inspect_shows_what_is_there(folder: Path) -> None:
    text = good("journal", "inspect", folder)
    assert "segments of" in text
    assert "ONE" in text
    assert "Valid up to command 85: 00000002.journal" in text
    assert "Nothing follows it." in text
    assert bytes(16).hex() not in text


def test_what_an_encoding_lacks_is_written_as_an_escape(folder: Path) -> None:
    named = folder.rename(folder.with_name("Börse"))
    command = [sys.executable, "-m", "pricetime", "journal", "inspect", str(named)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert b"segments of" in ran.stdout
    assert b"B\\xf6rse" in ran.stdout


def test_inspect_shows_the_records_around_a_command(folder: Path) -> None:
    lines = good("journal", "inspect", folder, "--at", "50").splitlines()
    marked = [line for line in lines if line.endswith("<--")]
    assert len(marked) == 1
    assert " 50 " in marked[0]
    assert any(" 46 " in line for line in lines)
    assert any(" 55 " in line for line in lines)
    assert not any(" 57 " in line for line in lines)


def test_inspect_shows_the_record_that_is_not_good(damaged: Path) -> None:
    place = f"2:{WRITTEN.segments[1].offsets[20]}"
    assert "Damaged: a later record says that command 64 was on the disk" in good("journal", "inspect", damaged)
    text = good("journal", "inspect", damaged, "--offset", place)
    assert f"{place} " in text
    assert "an invalid record:" in text
    assert "computed" in text


def test_inspect_of_the_end(folder: Path) -> None:
    assert "zeros or the end of the file" in good("journal", "inspect", folder, "--at", "85")


def test_inspect_refuses_what_it_does_not_understand(folder: Path) -> None:
    assert "is not a place: give SEGMENT:OFFSET" in bad("journal", "inspect", folder, "--offset", "x", code=2)
    assert "not both" in bad("journal", "inspect", folder, "--at", "1", "--offset", "1:1", code=2)


def test_verify_of_a_good_one(folder: Path) -> None:
    text = good("journal", "verify", folder)
    assert figures(text)["digest of the books"] == DIGEST
    assert "No faults." in text


def test_verify_of_a_damaged_one(damaged: Path) -> None:
    result = run("journal", "verify", damaged)
    assert result.exit_code == 1
    assert "FAULT:" in result.output
    assert "00000002.journal is damaged at byte" in result.output.replace("\n", " ")
    assert "pricetime journal repair" in result.output


@pytest.fixture
def gap(folder: Path) -> Path:
    """One whose second segment is lost, with a prepared third."""
    (folder / "00000002.journal").unlink()
    (folder / f"{60:020}.snapshot").unlink()
    ahead = written.Segment(CONFIGURATION, behind=WRITTEN.segments[-1], segment_bytes=8192).data()
    (folder / "00000003.journal").write_bytes(ahead[:112] + bytes(16) + ahead[128:])
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "DIR"],
        ["replay", "DIR", "--until", "80"],
        ["journal", "export", "DIR", "OUT"],
        ["journal", "export", "DIR", "OUT", "--to", "80"],
        ["follow", "DIR", "--seconds", "5"],
        ["follow", "DIR", "--whole", "--seconds", "5"],
    ],
)
def test_a_missing_segment_ends_every_command_that_reads_it(gap: Path, tmp_path: Path, arguments: list[str]) -> None:
    places = {"DIR": str(gap), "OUT": str(tmp_path / "x.npy")}
    result = run(*(places.get(argument, argument) for argument in arguments))
    assert result.exit_code in (1, 2)
    assert "00000002.journal is missing, but 00000003.journal, which was made after it" in result.output
    assert "pricetime journal inspect" in result.output


def test_a_missing_segment_is_shown_and_a_repair_goes_on_without_it(gap: Path) -> None:
    lines = good("journal", "inspect", gap).splitlines()
    assert any(line.split() == ["2", "missing"] for line in lines)
    assert any(line.startswith("Damaged: 00000002.journal is missing, but 00000003.journal") for line in lines)
    assert "00000002.journal is missing" in run("journal", "verify", gap).output.replace("\n", " ")
    text = good("journal", "repair", gap)
    assert "- continue without 00000002.journal, which is missing" in text
    assert "a repair cannot recover its commands" in text
    good("journal", "repair", gap, "--cut", text.split()[-1])
    assert "No faults." in good("journal", "verify", gap)


def test_repair_says_then_does(damaged: Path) -> None:
    before = {path.name: path.read_bytes() for path in damaged.iterdir()}
    text = good("journal", "repair", damaged)
    assert {path.name: path.read_bytes() for path in damaged.iterdir()} == before
    place = text.split()[-1]
    assert place == f"2:{WRITTEN.segments[1].offsets[20]}"
    assert "the cut would be at" in bad("journal", "repair", damaged, "--cut", "2:4096")
    assert "kept" in good("journal", "repair", damaged, "--cut", place)
    assert "No faults." in good("journal", "verify", damaged)
    assert "There is nothing to cut." in good("journal", "repair", damaged)


def test_repair_beside_a_server(damaged: Path) -> None:
    server = Directory(damaged)
    server.lock()
    try:
        assert "in use by a second process" in bad("journal", "repair", damaged, "--cut", "2:1")
    finally:
        server.unlock()


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_export(folder: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"commands.{suffix}"
    assert "commands 1 to 85" in good("journal", "export", folder, out)
    if suffix == "npy":
        assert np.load(out).tobytes() == WRITTEN.commands.tobytes()
        return
    pl = pytest.importorskip("polars")
    frame = pl.read_csv(out) if suffix == "csv" else pl.read_parquet(out)
    assert frame.columns == list(WRITTEN.commands.dtype.names or ())
    assert frame["order_id"].to_list() == WRITTEN.commands["order_id"].tolist()


def test_export_of_a_part(folder: Path, tmp_path: Path) -> None:
    good("journal", "export", folder, tmp_path / "part.npy", "--from", "10", "--to", "50")
    assert np.load(tmp_path / "part.npy").tobytes() == WRITTEN.commands[9:50].tobytes()
    assert "none of them in this range" in bad("journal", "export", folder, tmp_path / "none.npy", "--from", "90")


def test_replay_of_a_journal(folder: Path) -> None:
    found = figures(good("replay", folder))
    assert found["digest of the books"] == DIGEST
    assert found["commands executed"] == "85"
    assert found["snapshots that agree"] == "2"
    found = figures(good("replay", folder, "--newest"))
    assert found["digest of the books"] == DIGEST
    assert found["commands executed"] == "25"


def test_replay_until_a_command(folder: Path) -> None:
    text = good("replay", folder, "--until", "40", "--levels", "3")
    assert figures(text)["digest of the books"] == f"{WRITTEN.public[40]:016x}"
    assert "after command 40" in text


def test_a_command_behind_the_end(folder: Path) -> None:
    told = "There is no command 999,999: the journal ends at command 85."
    assert told in good("replay", folder, "--until", "999999")
    assert told in good("journal", "inspect", folder, "--at", "999999")
    assert "There is no command" not in good("replay", folder, "--until", "85")


def test_replay_until_a_time(folder: Path) -> None:
    text = good("replay", folder, "--until", "2023-11-14T22:13:20.000050", "--instrument", "2")
    assert "instrument 2, TWO, after command 50" in text
    assert figures(text)["digest of the books"] == f"{WRITTEN.public[50]:016x}"
    assert "or give the sequence number of a command" in bad("replay", folder, "--until", "soon", code=2)


def test_replay_of_a_damaged_journal(damaged: Path) -> None:
    assert "is damaged at byte" in bad("replay", damaged)
    good("replay", damaged, "--until", "40")


def test_options_of_tapes_and_of_journals(folder: Path, tmp_path: Path) -> None:
    assert "--csv is for tapes" in bad("replay", folder, "--csv", "x", code=2)
    assert "--differences is for tapes" in bad("replay", folder, "--differences", code=2)
    tape = tmp_path / "tape.dbn"
    tape.write_bytes(b"")
    assert "--until is for journals" in bad("replay", tape, "--until", "5", code=2)


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not of a journal")
    for command in (
        ("journal", "inspect", tmp_path),
        ("journal", "verify", tmp_path),
        ("journal", "repair", tmp_path),
        ("journal", "export", tmp_path, tmp_path / "x.npy"),
        ("replay", tmp_path),
        ("follow", tmp_path, "--until-idle", "0.1"),
    ):
        assert bad(*command, code=2).startswith(f"Error: {tmp_path} has no journal: it has no segment"), command

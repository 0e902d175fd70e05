import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from pricetime.cli import exchange_day
from pricetime.cli.day_book import show_day
from pricetime.cli.exchange_day import BooksDiffer, Day, ReportsDiffer
from pricetime.load.login import LoadFailed
from pricetime.load.plan import make_plans
from tests.cli.run import bad, figures, good

pytestmark = pytest.mark.compiled


def test_a_server_is_killed_in_the_middle_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_day, "CHUNK", 8_000)
    monkeypatch.setattr("pricetime.cli.day.CONTINUOUS", 200)
    text = good("demo", "--exchange", "--orders", "40000", "--rate", "80000", "--seed", "3")
    assert story(text) == story(told_by_books(3))
    found = {name: value.replace(",", "") for name, value in figures(text).items()}
    assert found["commands sent"] == found["answered, each exactly once"]
    assert int(found["requested again afterwards, identical"]) == 4 * exchange_day.REMEMBERED
    assert int(found["reports that clients received before"]) > 16_000
    assert "server killed (SIGKILL) after" in text
    assert float(found["seconds until it accepted orders again"]) > 0
    assert int(found["commands replayed after the snapshot"]) > 8_000
    digests = {found[name] for name in ("digest of the books of the exchange", "of the subscriber")}
    assert digests == {found["of a replay of the whole log"]}


def told_by_books(seed: int) -> str:
    """The day as the book and the reference book tell it."""
    runner = CliRunner()
    with runner.isolation() as (output, *_):
        show_day(seed)
        return output.getvalue().decode()


def story(text: str) -> list[str]:
    """The parts of the day: head and text of each, without the part about the kill and the table."""
    parts = [" ".join(part.split()) for part in re.split(r"\n(?=\d\d:\d\d  )", text)[1:]]
    kept = [part for part in parts if not part.startswith("12:00 ")]
    return [*kept[:-1], kept[-1].partition(" Both books")[0].partition(" an exchange on this machine")[0]]


def test_a_report_that_changed_ends_the_demo(tmp_path: Path) -> None:
    first, _ = make_plans("balanced", 1, exchange_day.CLIENTS)
    with Day(str(tmp_path)) as day:
        day.load.send(first)
        day.load.wait_answered()
        recent = day.recent()
        assert day.request_again(recent) > 1_000
        recent[2]["price"][-1] += 1
        with pytest.raises(ReportsDiffer, match=r"client 2: the reports from \d+ on are not those"):
            day.request_again(recent)


def test_books_that_differ_end_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    class Subscriber:
        def digest(self) -> int:
            return 1

    one = f"{1:016x}"
    monkeypatch.setattr(exchange_day, "replayed_digest", lambda _: one)
    assert exchange_day.compared(Subscriber(), "", one) == one  # type: ignore[arg-type]
    with pytest.raises(BooksDiffer, match="0000000000000001, the exchange's 2"):
        exchange_day.compared(Subscriber(), "", "2")  # type: ignore[arg-type]
    monkeypatch.setattr(exchange_day, "replayed_digest", lambda _: "2")
    with pytest.raises(BooksDiffer, match="a replay of the log has the digest 2, the exchange 0000000000000001"):
        exchange_day.compared(Subscriber(), "", one)  # type: ignore[arg-type]


def running() -> tuple[set[threading.Thread], str]:
    """The threads of this process, and its children."""
    return set(threading.enumerate()), Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii")


@pytest.mark.parametrize("broken", ["pricetime.load.load.Load", "pricetime.load.following.Following"])
def test_a_start_that_fails_leaves_no_thread_and_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise LoadFailed("no exchange at 127.0.0.1:1: Connection refused")

    before = running()
    monkeypatch.setattr(broken, refuse)
    assert "Connection refused" in bad("demo", "--exchange", "--orders", "1000", "--directory", tmp_path)
    assert running() == before
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_is_named_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = running()
    monkeypatch.setattr(exchange_day, "SEGMENT_BYTES", 5)
    assert "input should be a multiple of 4096" in bad(
        "demo", "--exchange", "--orders", "1000", "--directory", tmp_path
    )
    assert running() == before


def test_a_disk_with_too_little_space_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(64 << 20, 0, 64 << 20))
    monkeypatch.setattr(exchange_day, "Day", None)
    told = bad("demo", "--exchange", "--directory", tmp_path)
    assert f"needs 200 MB, but {tmp_path} has only 67 MB free: give a folder with more space as --directory" in told


#: A disk of 24 MiB, which fills while the exchange runs.
MOUNT = """
mount -t tmpfs -o size=24m tmpfs "$1" || exit 99
timeout 120 "$2" -c '
import sys
from pathlib import Path
from pricetime.cli import exchange_day, main
exchange_day.NEEDED_BYTES, exchange_day.SEGMENT_BYTES, exchange_day.SNAPSHOT_EVERY = 0, 8 << 20, 0
main(["demo", "--exchange", "--orders", "1000000", "--directory", sys.argv[1]])
' "$1"; echo "ended with $?"
"""


def test_a_disk_that_is_small_ends_it_and_is_named(tmp_path: Path) -> None:
    command = ("unshare", "-rm", "sh", "-c", MOUNT, "sh", str(tmp_path), sys.executable)
    if not shutil.which("unshare"):
        pytest.skip("unshare is not here (Debian: util-linux)")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == 99:
        pytest.skip("a user may not mount a disk here: unshare -rm, mount -t tmpfs")
    assert ran.stdout.endswith("ended with 1\n"), ran.stdout + ran.stderr
    assert "the server failed: " in ran.stderr
    assert "No space left on device" in ran.stderr

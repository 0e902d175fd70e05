"""A real server whose disk fills: ``python -m tests.crash.full_disk FOLDER LEVEL``, on a small disk of its own.

It fails with its own exit code; when there is room again, a restart continues, and every acknowledged command is there.
"""

import sys
from pathlib import Path

from tests.crash.lives import Lives

#: What makes room when it is removed: several segments.
BALLAST_BYTES = 640 << 10

JOURNAL_FAILED = 3


def main(folder: Path, level: str) -> None:
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * BALLAST_BYTES)
    options = ("--journal", str(folder / "journal"), "--acknowledge", level, "--segment-bytes", "65536")
    with Lives([*options, "--snapshot-every", "0"], seed=1, stays=False) as lives:
        lives.come_back()
        lives.trade_to_the_end()
        code = lives.server.process.wait(30)
        assert code == JOURNAL_FAILED, f"it ended with {code}: {lives.server.events[-3:]}"
        lives.server.__exit__(None, None, None)
        told = [str(event) for event in lives.server.events if "journal failed" in str(event.get("event"))]
        assert len(told) == 1
        assert "No space left on device" in told[0]
        ballast.unlink()
        lives.server = lives.server.again()
        lives.server.__enter__()
        lives.stop()
        print(f"{sum(trader.seen for trader in lives.traders)} reports")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

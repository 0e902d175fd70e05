"""``python -m tests.log.formats.make VERSION``: keep a journal and a snapshot of the present format.

Run once, when a format is released, and never again for that version: what it wrote must replay for ever. It writes two
segments and a snapshot behind command 60 into ``tests/log/formats/vVERSION``, and what they must make into
``expected.json``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from pricetime.log.snapshot import OWNER, load, write
from pricetime.native.disk import Disk
from tests.log.memory import MemoryDisk
from tests.log.reference import CONFIGURATION, journal, snapshot_after

SNAPSHOT_AT = 60


def make(folder: Path) -> None:
    folder.mkdir()
    written = journal([45, 40])
    for name, data in written.files.items():
        (folder / name).write_bytes(data)
    name, data = snapshot_after(written, SNAPSHOT_AT)
    plain = load(MemoryDisk({name: data}), folder / name)
    engine = CONFIGURATION.make_engine()
    reports = engine.apply(written.commands[:SNAPSHOT_AT])
    owners = np.array([(1, 3, 10), (2, 0, 1), (4, 2, 3)], OWNER)
    streams, feed = reports[:5].copy(), reports[-20:].copy()
    write(
        Disk(),
        folder,
        replace(
            plain,
            owners=owners,
            stream_reports=streams,
            feed_reports=feed,
            feed_sequence=200,
            feed_checksum=55,
        ),
    )
    expected = {
        "commands": len(written.commands),
        "digest": f"{written.public[-1]:016x}",
        "reports": written.seq_nums[-1],
        "report_checksum": f"{written.report_checksums[-1]:08x}",
        "snapshot": SNAPSHOT_AT,
        "snapshot_digest": f"{written.public[SNAPSHOT_AT]:016x}",
        "instruments": [instrument.symbol for instrument in CONFIGURATION.instruments],
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(__file__).parent / f"v{int(sys.argv[1])}")

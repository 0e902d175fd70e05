"""A small journal of an exchange that trades, halts and cancels: to be broken in every way, and to replay for ever."""

from typing import Any, NamedTuple

import numpy as np

from pricetime import CommandType, Engine, Instrument, Phase, Side
from pricetime.log.configuration import Configuration
from pricetime.log.reader import Reader
from pricetime.log.snapshot import OWNER, SnapshotFile, write
from pricetime.native.crc import linked
from pricetime.types import COMMAND, REPORT
from tests.log.memory import directory_of
from tests.log.written import JOURNAL, PAGE, Segment

CONFIGURATION = Configuration(
    (Instrument(1, "ONE"), Instrument(2, "TWO")),
    capacity=256,
    level_capacity=256,
    owner_limit=16,
)

Records = np.ndarray[Any, np.dtype[np.void]]


class Reference(NamedTuple):
    """Files by name, and what is in them."""

    segments: list[Segment]
    commands: Records
    digests: list[int]  #: of the books after so many commands
    public: list[int]  #: the same over references
    report_checksums: list[int]
    seq_nums: list[int]

    @property
    def files(self) -> dict[str, bytes]:
        return {f"{segment.number:08}.journal": segment.data() for segment in self.segments}


def flow(count: int, seed: int = 7) -> Records:
    """Orders that rest, trade and are cancelled, by few owners; now and then a mass cancel and a halt."""
    random = np.random.default_rng(seed)
    commands = np.zeros(count, COMMAND)
    commands["sequence"] = np.arange(1, count + 1)
    commands["timestamp"] = 1_700_000_000_000_000_000 + 1000 * commands["sequence"]
    commands["session"] = commands["owner"] = random.integers(1, 5, count)
    commands["length"] = 40
    commands["type"] = random.choice([1, 1, 1, 1, 1, 2, 3, 6], count)
    commands["side"] = random.integers(Side.BID, Side.ASK + 1, count)
    commands["instrument"] = random.integers(1, 3, count)
    owners = commands["owner"].astype(np.uint64) << np.uint64(48)
    others = random.integers(1, count + 1, count).astype(np.uint64)
    commands["order_id"] = np.where(commands["type"] == 1, commands["sequence"], others) | owners
    commands["price"] = random.integers(95, 106, count)
    commands["quantity"] = random.integers(1, 100, count)
    mass = commands["type"] == CommandType.MASS_CANCEL
    commands["side"][mass] = 0
    for field in ("order_id", "price", "quantity"):
        commands[field][mass] = 0
    if count > 20:  # a halt and its end
        for at, phase in ((count // 2, Phase.HALTED), (count // 2 + 4, Phase.CONTINUOUS)):
            for field in ("session", "side", "order_id", "price", "quantity", "owner"):
                commands[field][at] = 0
            commands["type"][at], commands["flags"][at], commands["instrument"][at] = CommandType.SET_PHASE, phase, 1
    return commands


def engine_of(configuration: Configuration = CONFIGURATION) -> Engine:
    return Engine(
        configuration.instruments,
        capacity=configuration.capacity,
        level_capacity=configuration.level_capacity,
        owner_limit=configuration.owner_limit,
    )


def journal(
    lengths: list[int],
    *,
    turns: int = 10,
    segment_bytes: int = 2 * PAGE,
    synced: bool = True,
    seed: int = 7,
    identity: bytes = JOURNAL,
) -> Reference:
    """A journal with so many commands in each segment: a checkpoint first, and after every ``turns`` commands.

    Before a checkpoint the writer goes to the next page, if there is one. With ``synced`` each says that all before is
    on the disk, else none does.
    """
    commands = flow(sum(lengths), seed)
    engine = CONFIGURATION.make_engine()
    segments: list[Segment] = []
    digests, report_checksums, seq_nums = [engine.digest()], [0], [0]
    public = [engine.digest(references=True)]
    done = 0
    for length in lengths:
        behind = segments[-1] if segments else None
        segment = Segment(CONFIGURATION, behind=behind, segment_bytes=segment_bytes, journal=identity)
        segments.append(segment)
        for n in range(length):
            if n % turns == 0:
                if n and segment.offset + PAGE < segment_bytes:
                    segment.turn()
                segment.checkpoint(
                    synced=done if synced else 0, seq_num=seq_nums[-1], report_checksum=report_checksums[-1]
                )
            segment.command(commands[done])
            report_checksum = report_checksums[-1]
            reports = engine.apply(commands[done : done + 1])
            for report in reports:
                report_checksum = linked(report_checksum, report.tobytes())
            done += 1
            digests.append(engine.digest())
            public.append(engine.digest(references=True))
            report_checksums.append(report_checksum)
            seq_nums.append(engine.seq_num)
    return Reference(segments, commands, digests, public, report_checksums, seq_nums)


def snapshot_after(written: Reference, sequence: int) -> tuple[str, bytes]:
    """Name and bytes of the snapshot behind a command of a journal."""
    directory = directory_of(written.files)
    reader = Reader(directory)
    engine = CONFIGURATION.make_engine()
    engine.apply(reader.read(sequence).commands)
    at = reader.position
    if at.sequence < sequence:
        raise ValueError(f"there is no command {sequence}")
    snapshot = SnapshotFile(
        position=at,
        term=1,
        digest=CONFIGURATION.digest,
        timestamp=int(written.commands["timestamp"][sequence - 1]),
        report_checksum=written.report_checksums[sequence],
        seq_num=written.seq_nums[sequence],
        books=engine.digest(references=True),
        next_reference=engine.next_reference,
        epoch=0,
        feed_sequence=1,
        feed_checksum=0,
        records=engine.dump(),
        owners=np.empty(0, OWNER),
        stream_reports=np.empty(0, REPORT),
        feed_reports=np.empty(0, REPORT),
    )
    path = write(directory.disk, directory.path, snapshot)
    return path.name, bytes(memoryview(directory.disk.read(path)))

"""The n-th call on the disk fails, for every n: it is got over or told in a line; nothing is acknowledged in vain."""

import errno
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.log.errors import JournalError
from pricetime.types import COMMAND
from tests.counts import count
from tests.crash.life import Life
from tests.crash.memory_disk import MemoryDisk
from tests.crash.test_power_loss import check
from tests.crash.world import World, make_world

pytestmark = pytest.mark.compiled

WORLD, STEPS, LIVES = 7, 70, 2

#: Power losses that are looked at after each failure.
STATES = count(2, 6)

READS = {"names", "size", "read"}

#: What goes wrong, and in which calls it can.
FAULTS = ("EIO", "ENOSPC", "EINTR", "short write")

PARTS = 4


class FailingDisk(MemoryDisk):
    """``fault`` comes at the call number ``at``, counted from 1."""

    def __init__(self, fault: str = "", at: int = 0) -> None:
        super().__init__()
        self.fault, self.at = fault, at
        self.calls: list[str] = []  #: so far, by name
        self.failed: str = ""  #: the call that did
        self.called = self.count

    def count(self, call: str) -> None:
        if not call:
            return
        self.calls.append(call)
        if len(self.calls) == self.at and self.fault != "short write":
            self.failed = call
            number = getattr(errno, self.fault)
            raise OSError(number, os.strerror(number))

    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        if self.fault == "short write" and len(self.calls) + 1 == self.at:
            self.failed = "write"
            data = data[: max(1, len(data) // 2)]
        return super()._pwrite(fd, data, offset)

    def names(self, folder: Path) -> list[str]:
        self.count("names")
        return super().names(folder)

    def size(self, path: Path) -> int:
        self.count("size")
        return super().size(path)

    def read(self, path: Path) -> Any:
        self.count("read")
        return super().read(path)


class Scenario:
    """Opening, commands over several segments, syncs, snapshots, removal, a kill, recovery, and the same once more."""

    def __init__(self, disk: FailingDisk, world: World) -> None:
        self.disk, self.world = disk, world
        self.told: list[str] = []  #: failures that were reported
        self.acknowledged = 0
        self.given = np.zeros(0, COMMAND)
        rng = random.Random(WORLD)
        for number in range(LIVES):
            self._live(number, rng)
            disk.killed()

    def _live(self, number: int, rng: random.Random) -> None:
        try:
            life = Life(self.disk, self.world, self.given, number, rng)
        except (OSError, JournalError) as error:
            self.told.append(str(error))
            self.disk.killed()
            life = Life(self.disk, self.world, self.given, number, rng)  # the operator starts it again
        vain_syncs = self.disk.vain_syncs
        assert len(life.given) >= self.acknowledged
        for _ in range(STEPS):
            had, failed = life.acknowledged, life.log.failure
            life.step()
            if failed is not None:
                assert life.acknowledged == had
        self.acknowledged, self.given = life.acknowledged, life.given
        assert self.disk.vain_syncs == vain_syncs, "what could not be synced was synced again"
        self.told += life.told
        if life.log.failure is not None:
            self.told.append(life.log.failure)
            assert life.log.failed


def calls() -> list[str]:
    """Those of the scenario when all goes well."""
    disk = FailingDisk()
    scenario = Scenario(disk, make_world(WORLD, 800))
    assert not scenario.told
    assert set(disk.calls) >= {*READS, "create", "write", "sync", "sync_range", "sync_folder", "rename", "unlink"}
    return disk.calls


def applies(fault: str, call: str) -> bool:
    """Can this go wrong in that call?"""
    if fault == "short write":
        return call == "write"
    return fault == "EIO" or call not in READS


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_fails_once(fault: str, part: int) -> None:
    world = make_world(WORLD, 800)
    for at, call in list(enumerate(calls(), 1))[part::PARTS]:
        if not applies(fault, call):
            continue
        disk = FailingDisk(fault, at)
        scenario = Scenario(disk, world)
        assert disk.failed == call
        got_over = call == "write" and fault in {"EINTR", "short write"}
        assert got_over == (not scenario.told) or is_passing(call), (at, call)
        assert all("\n" not in line for line in scenario.told)
        disk.fault = ""
        left = {name: bytes(file.cache[:]) for name, file in disk.files.items()}
        for files in (left, *disk.states(random.Random(at), STATES)):
            check(files, scenario.given, scenario.acknowledged, world)


def is_passing(call: str) -> bool:
    """May this failure stay unreported, such as a snapshot that cannot be read and is skipped?"""
    return call in READS

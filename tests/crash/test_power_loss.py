"""The power goes out at any moment: what was acknowledged is there, and nothing is there that was not given."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError
from pricetime.types import COMMAND
from tests.counts import count
from tests.crash.life import Life
from tests.crash.memory_disk import FOLDER, PAGE, SECTOR, MemoryDisk
from tests.crash.recovering import recover
from tests.crash.world import CONFIGURATION, Commands, World, make_world
from tests.log import memory

pytestmark = pytest.mark.compiled

STATES, PARTS = count(4_000, 100_000), count(16, 40)

#: Commands that a world has: a journal begins anew after so many.
COMMANDS = 400

#: States that are looked at of one moment; all, where there are fewer.
AT_A_MOMENT = 24

#: Steps of a life before a power loss that is followed by a further life.
STEPS = 40

#: So often it is only the process that ends: the next one finds the page cache as it was.
KILLS = 0.3

#: So often commands come while a sync is under way.
MEANWHILE = 0.5

#: So often the recovery is interrupted too.
INTERRUPTED = 0.05


class Moments:
    """Looks at the states of a disk at the moments of a life, until there were enough."""

    def __init__(self, seed: int, most: int) -> None:
        self.rng = random.Random(seed)
        self.most = most
        self.states = self.interrupted = 0
        self.split = 0  #: states that end between an order and its extension
        self._known: set[int] = set()
        self.life: Life | None = None
        self.looking = False

    def moment(self, call: str) -> None:
        """What the power loss leaves now."""
        life = self.life
        if life is None or self.looking:
            return
        self.looking = True
        if call == "sync_range" and self.rng.random() < MEANWHILE:
            life.append()  # the engine does not wait for the disk
        unit = self.rng.choice([SECTOR, PAGE])
        for files in life.disk.states(self.rng, AT_A_MOMENT, unit):
            self.look(files, life)
        self.looking = False

    def look(self, files: dict[str, bytes], life: Life) -> None:
        if self._is_known(files, life.acknowledged):
            return
        sequence = check(files, life.given, life.acknowledged, life.world)
        self.split += life.world.waits(sequence)
        if self.rng.random() < INTERRUPTED:
            for again in interrupted(files, self.rng):
                if not self._is_known(again, sequence):
                    self.interrupted += 1
                    assert check(again, life.given, sequence, life.world) == sequence

    def _is_known(self, files: dict[str, bytes], acknowledged: int) -> bool:
        """Was this looked at before, or are there enough? If not it counts."""
        known = hash((acknowledged, *sorted(files.items())))
        if known in self._known or self.states == self.most:
            return True
        self._known.add(known)
        self.states += 1
        return False


def check(files: dict[str, bytes], given: Commands, acknowledged: int, world: World) -> int:
    """Recover from a state of the disk: the last command that is there. What a second loss would leave is not asked."""
    found = recover(Directory(FOLDER, memory.MemoryDisk(files)), CONFIGURATION)
    assert acknowledged <= found.sequence <= len(given), f"{acknowledged} were acknowledged, {found.sequence} found"
    assert found.commands.tobytes() == given[found.snapshot : found.sequence].tobytes()
    assert found.engine.digest() == world.digests[found.sequence]
    assert not found.told
    return found.sequence


def interrupted(files: dict[str, bytes], rng: random.Random) -> list[dict[str, bytes]]:
    """What a second power loss during the recovery leaves, and what a complete recovery leaves."""
    disk = MemoryDisk(files)
    found: list[dict[str, bytes]] = []
    disk.called = lambda call: found.extend(disk.states(rng, 4))
    recover(Directory(FOLDER, disk), CONFIGURATION)
    return [*found, {name: bytes(file.cache[:]) for name, file in disk.files.items()}]


def live(moments: Moments, seed: int, make_disk: Callable[..., MemoryDisk] = MemoryDisk) -> None:
    """Consecutive lives of one journal, each ended by a power loss or a kill, until enough states were looked at."""
    rng, number = random.Random(f"life {seed}"), 0
    while moments.states < moments.most:
        number += 1
        world = make_world(1000 * seed + number, COMMANDS)
        disk, before = make_disk(), np.zeros(0, COMMAND)
        for lives in range(rng.randint(1, 5)):
            disk.called = moments.moment
            life = moments.life = Life(disk, world, before, lives, rng)
            for _ in range(rng.randint(1, STEPS)):
                life.step()
                moments.moment("")
            moments.life, before = None, life.given
            disk.killed()
            if rng.random() >= KILLS:
                disk = make_disk(rng.choice(list(disk.states(rng, AT_A_MOMENT))))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_acknowledged_command_is_found_and_none_is_invented(part: int) -> None:
    moments = Moments(part, STATES // PARTS)
    live(moments, part)
    assert moments.states == STATES // PARTS
    assert moments.interrupted
    assert moments.split > 0, "the end of what is found was never between an order and its extension"


@pytest.mark.parametrize("call", ["sync", "sync_range", "sync_folder", "sync_file"])
def test_a_disk_that_does_not_sync_is_found_out(call: str) -> None:
    """Each of the syncs is needed: without it the test above fails."""
    lying = type("Lying", (MemoryDisk,), {call: lambda *_: None})
    with pytest.raises((AssertionError, JournalError)):
        live(Moments(1, STATES), 1, lying)

"""A journal cut anywhere while it is written: the books of the longest good beginning, from the last snapshot."""

import random

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged
from pricetime.types import COMMAND
from tests.counts import count
from tests.crash.life import Life
from tests.crash.memory_disk import FOLDER, MemoryDisk
from tests.crash.recovering import Recovered, recover
from tests.crash.world import CONFIGURATION, World, make_world

pytestmark = pytest.mark.compiled

CUTS, WORLDS = count(400, 1_000), count(4, 10)

COMMANDS, STEPS = 800, 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(WORLDS))
def test_cut_at_any_byte_it_is_recovered_from_the_last_snapshot(seed: int) -> None:
    rng = random.Random(f"cut {seed}")
    world = make_world(seed, COMMANDS)
    life = Life(MemoryDisk(), world, np.zeros(0, COMMAND), 0, rng)
    looks = sorted(rng.sample(range(STEPS // 2, STEPS), 20))
    cuts = from_snapshot = refused = 0
    for step in range(STEPS):
        life.step()
        for _ in range(looks.count(step) * CUTS // WORLDS // len(looks)):
            found = look(life, world, rng)
            cuts += 1
            refused += found is None
            from_snapshot += found is not None and found.snapshot > 0
    assert cuts == CUTS // WORLDS
    assert min(from_snapshot, cuts - refused) > cuts // 10


def look(life: Life, world: World, rng: random.Random) -> Recovered | None:
    """Cut the segment in use and recover. None when that ends before the snapshot, which is refused."""
    files = {name: bytes(file.cache[:]) for name, file in life.disk.files.items() if name != "lock"}
    _, number, offset = life.log.progress()
    name = life.directory.path_of(number).name
    files[name] = files[name][: rng.randint(4096, offset)]
    files = {other: data for other, data in files.items() if not other.endswith(".journal") or other <= name}
    snapshot = max(life.directory.snapshots(), default=0)
    try:
        found = recover(Directory(FOLDER, MemoryDisk(files)), CONFIGURATION)
    except JournalDamaged as error:
        assert "ends before" in str(error)
        assert error.sequence == snapshot > 0
        return None
    assert snapshot <= found.sequence <= len(life.given)
    assert found.snapshot == snapshot
    assert found.commands.tobytes() == life.given[snapshot : found.sequence].tobytes()
    assert found.engine.digest() == world.digests[found.sequence]
    return found

import numpy as np
from numpy.typing import NDArray

from pricetime.tape.flow.ids import Ids, scatter


def test_the_mix_is_invertible() -> None:
    value = np.random.default_rng(1).integers(2**64, size=10_000, dtype=np.uint64)
    assert (unscatter(scatter(value)) == value).all()


def unscatter(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        step = value
        for _ in range(64 // shift):
            step = value ^ (step >> np.uint64(shift))
        value = step * np.uint64(pow(factor, -1, 2**64))
    return value


def test_sequential_ids_count_on() -> None:
    ids = Ids("sequential", 0, key=9)
    assert ids.take(np.zeros(3, np.uint32)).tolist() == [1, 2, 3]
    assert ids.take(np.zeros(2, np.uint32)).tolist() == [4, 5]


def test_each_owner_counts_its_own() -> None:
    ids = Ids("session", 2, key=9)
    assert ids.take(np.array([2, 1, 2], np.uint32)).tolist() == [2 << 32 | 1, 1 << 32 | 1, 2 << 32 | 2]
    assert ids.take(np.array([2, 1], np.uint32)).tolist() == [2 << 32 | 3, 1 << 32 | 2]

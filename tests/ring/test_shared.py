"""The same ring in memory that processes share: its layout, what is refused, and real processes at both ends."""

import mmap
import multiprocessing
import os
import re
import struct
import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.errors import InvalidRing, InvalidSetting, RingTimeout
from pricetime.ring import Idle, Ring

ROOT = Path(__file__).parents[2]

#: By name: where it lies, and its type as struct knows it.
FIELDS = {
    "magic": (0, "4s"),
    "version": (4, "<I"),
    "capacity": (8, "<Q"),
    "slot_bytes": (16, "<I"),
    "flags": (20, "<I"),
    "producer_offset": (24, "<I"),
    "consumer_offset": (28, "<I"),
    "waits_offset": (32, "<I"),
    "slots_offset": (36, "<I"),
    "tail": (128, "<Q"),
    "seen_head": (136, "<Q"),
    "head": (256, "<Q"),
    "seen_tail": (264, "<Q"),
    "consumer_waits": (384, "<I"),
    "producer_waits": (388, "<I"),
    "closed": (392, "<I"),
}


def shared(capacity: int = 4, slot_bytes: int = 64) -> mmap.mmap:
    return mmap.mmap(-1, Ring.size(capacity, slot_bytes))


def get(memory: mmap.mmap, name: str) -> Any:
    offset, kind = FIELDS[name]
    return struct.unpack_from(kind, memory, offset)[0]


def spoil(memory: mmap.mmap, name: str, value: Any) -> None:
    offset, kind = FIELDS[name]
    struct.pack_into(kind, memory, offset, value)


def test_the_layout() -> None:
    memory = shared(8, 24)
    ring = Ring.create(memory, 8, 24)
    assert Ring.size(8, 24) == 512 + 8 * 24
    found = {name: get(memory, name) for name in list(FIELDS)[:9]}
    assert list(found.values()) == [b"RING", 1, 8, 24, 1, 128, 256, 384, 512]
    ring.put(b"abc")
    ring.put(b"")
    assert ring.get() == b"abc"
    assert (get(memory, "tail"), get(memory, "head")) == (2, 1)
    assert memory[512:540] == b"\3\0\0\0abc" + bytes(21)
    ring.close()
    assert get(memory, "closed") == 1
    ring.check()


def test_a_ring_that_does_not_block_says_so() -> None:
    memory = shared()
    Ring.create(memory, 4, blocking=False)
    assert get(memory, "flags") == 0
    assert not Ring.attach(memory).blocking


def test_the_document_shows_every_field_where_it_is() -> None:
    page = (ROOT / "docs" / "internals" / "ring.md").read_text(encoding="utf-8")
    for name, (offset, _) in FIELDS.items():
        row = re.search(rf"^\| {offset} \| `{name}` \|", page, re.MULTILINE)
        assert row, f"{name} at {offset}"


def test_attached_it_is_the_same_ring() -> None:
    memory = shared()
    made = Ring.create(memory, 4)
    for turn in range(20):
        here = Ring.attach(memory)
        assert (here.capacity, here.slot_bytes, here.blocking) == (4, 64, True)
        made.put_many([b"%d" % turn, b"x"])
        assert here.get_many(9) == [b"%d" % turn, b"x"]
        here.check()
    made.close()
    assert Ring.attach(memory).closed


@pytest.mark.parametrize("start", [2**64 - 1, 2**64 - 5, 2**63 - 2, 2**32 - 3])
def test_cursors_that_wrap_around(start: int) -> None:
    memory = shared()
    Ring.create(memory, 4)
    for name in ("tail", "seen_head", "head", "seen_tail"):
        spoil(memory, name, start)
    ring = Ring.attach(memory)
    ring.check()
    for turn in range(12):
        assert ring.put_many([b"%d" % i for i in range(turn % 6)], timeout=0) == min(turn % 6, 4)
        assert len(ring) == min(turn % 6, 4)
        ring.check()
        assert ring.get_many(9, timeout=0) == [b"%d" % i for i in range(min(turn % 6, 4))]
        ring.check()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("magic", b"GNIR", "this buffer has no ring"),
        ("magic", bytes(4), "still being made"),
        ("version", 2, "layout version 2"),
        ("capacity", 5, "not a power of two"),
        ("capacity", 0, "capacity 0"),
        ("capacity", 2**63, "capacity"),
        ("capacity", 8, "the ring needs 1024 bytes, but the buffer has 768"),
        ("slot_bytes", 0, "slot_bytes 0"),
        ("slot_bytes", 63, "not a multiple of 8"),
        ("slot_bytes", 72, "the buffer has 768"),
        ("flags", 2, "damaged"),
        ("producer_offset", 120, "damaged"),
        ("consumer_offset", 2**31, "damaged"),
        ("waits_offset", 0, "damaged"),
        ("slots_offset", 64, "damaged"),
        ("tail", 5, "cursors"),
        ("head", 1, "cursors"),
    ],
)
def test_a_damaged_ring_is_refused(name: str, value: Any, message: str) -> None:
    memory = shared()
    Ring.create(memory, 4)
    spoil(memory, name, value)
    with pytest.raises(InvalidRing, match=message):
        Ring.attach(memory)


@pytest.mark.parametrize("n_bytes", [1, 511, 512])
def test_small_buffers(n_bytes: int) -> None:
    with pytest.raises(InvalidRing, match=f"the buffer has {n_bytes} bytes"):
        Ring.create(mmap.mmap(-1, n_bytes), 2, 8)
    with pytest.raises(InvalidRing):
        Ring.attach(mmap.mmap(-1, n_bytes))


def test_buffers_that_will_not_do() -> None:
    memory = shared(64)
    for wrong in (bytes(1024), 5, None, "text", memoryview(memory).toreadonly(), np.zeros(4096, "u1")[::2]):
        with pytest.raises(InvalidRing, match="not a writable, contiguous buffer"):
            Ring.create(wrong, 2)  # type: ignore[arg-type]
    with pytest.raises(InvalidRing, match="not aligned to 64 bytes"):
        Ring.create(memoryview(memory)[8:], 2)
    with pytest.raises(InvalidSetting):
        Ring.create(memory, 3)


def test_the_buffer_stays_while_the_ring_lives() -> None:
    memory = shared()
    ring = Ring.create(memory, 4)
    with pytest.raises(BufferError):
        memory.close()
    del ring
    memory.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 3),
        ("capacity", 8),
        ("tail", 6),
        ("head", 3),
        ("seen_head", 2),
        ("seen_tail", 3),
        ("closed", 2),
        ("consumer_waits", 2),
        ("producer_waits", 9),
    ],
)
def test_check_finds_what_is_broken(name: str, value: int) -> None:
    memory = shared()
    ring = Ring.create(memory, 4)
    ring.put_many([b"1", b"2"])
    ring.get()
    ring.check()
    spoil(memory, name, value)
    with pytest.raises(AssertionError):
        ring.check()


@pytest.mark.parametrize("name", ["tail", "head", "seen_head", "seen_tail"])
@pytest.mark.parametrize("value", [0, 3, 2**32, 2**63, 2**64 - 1])
def test_garbage_from_the_other_process_stays_within_the_slots(name: str, value: int) -> None:
    """Cursors that make no sense give wrong records, and touch nothing outside."""
    memory = mmap.mmap(-1, 3 * 4096)
    view = memoryview(memory)
    ring = Ring.create(view[4096:8192], 32)
    view[:4096] = view[8192:] = b"\xa5" * 4096
    ring.put_records(np.zeros(20, "V64"))
    ring.get_records("V64", 5)
    struct.pack_into("<Q", view, 4096 + FIELDS[name][0], value)
    for _ in range(3):
        ring.put_records(np.zeros(100, "V64"), timeout=0)
        ring.put_many([b"x"] * 100, timeout=0)
        ring.get_records("V64", 100, timeout=0)
        assert 0 <= len(ring) <= 32
    assert bytes(view[:4096]) == bytes(view[8192:]) == b"\xa5" * 4096


# ---------------------------------------------------------------------- processes


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", ""])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process(blocking: bool) -> None:
    """In a process of its own that forks: pytest has threads."""
    code = f"""
import mmap, os
from pricetime.ring import Idle, Ring
memory = mmap.mmap(-1, Ring.size(16))
ring = Ring.create(memory, 16, blocking={blocking}, idle=Idle(spins=2, pauses=2, yields=2))
child = os.fork()
if child == 0:
    for i in range(20_000):
        ring.put(b"%d" % i)
    ring.close()
    os._exit(0)
assert list(ring) == [b"%d" % i for i in range(20_000)]
ring.check()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "0\n"


def buffer(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None
    return memory.buf


def echo(name_there: str, name_back: str) -> None:
    """What the spawned process runs."""
    memories = [SharedMemory(name) for name in (name_there, name_back)]
    there, back = (Ring.attach(buffer(memory), idle=Idle(spins=2, pauses=2, yields=2)) for memory in memories)
    for message in there:
        back.put(message)
    back.close()
    del there, back
    for memory in memories:
        memory.close()


def test_a_spawned_process_over_shared_memory() -> None:
    memories = [SharedMemory(create=True, size=Ring.size(8, 128)) for _ in range(2)]
    there, back = (Ring.create(buffer(memory), 8, 128) for memory in memories)
    process = multiprocessing.get_context("spawn").Process(target=echo, args=[memory.name for memory in memories])
    process.start()
    try:
        for i in range(300):  # one at a time: both sides go to sleep again and again
            there.put(b"%d" % i, timeout=60)
            assert back.get(timeout=60) == b"%d" % i
        there.close()
        assert list(back) == []
        process.join(60)
        assert process.exitcode == 0
        with pytest.raises(RingTimeout):
            Ring(2).get(0)
    finally:
        process.kill()
        process.join()
        del there, back
        for memory in memories:
            memory.close()
            memory.unlink()

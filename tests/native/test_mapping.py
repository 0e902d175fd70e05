"""A mapped file: shared with the file itself, populated without a fault, synced, closed once no view uses it."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiled

PAGES, PAGE = 64, 4096


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(fd, 0, PAGES * PAGE)
    yield fd
    os.close(fd)


def test_stores_are_in_the_file(fd: int) -> None:
    from pricetime.native.mapping import Mapping

    mapping = Mapping(fd, PAGES * PAGE)
    view = memoryview(mapping)
    view[PAGE : PAGE + 3] = b"abc"
    mapping.sync(PAGE, PAGE)
    assert os.pread(fd, 3, PAGE) == b"abc"
    os.pwrite(fd, b"xyz", 0)
    assert bytes(view[:3]) == b"xyz"
    assert mapping.n_bytes == PAGES * PAGE
    assert mapping.address % PAGE == 0


def faults() -> int:
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_minflt + used.ru_majflt


def test_stores_into_populated_pages_do_not_fault(fd: int) -> None:
    from pricetime.native.mapping import Mapping

    mapping = Mapping(fd, PAGES * PAGE)
    mapping.populate(0, PAGES * PAGE)
    view = memoryview(mapping)
    view[0] = 1
    before = faults()
    for page in range(PAGES):
        view[page * PAGE] = 1
    assert faults() - before < PAGES // 2


def test_what_was_synced_can_be_looked_at_and_stored_into(fd: int) -> None:
    from pricetime.native.mapping import Mapping

    mapping = Mapping(fd, PAGES * PAGE)
    view = memoryview(mapping)
    view[:3] = b"abc"
    mapping.sync(0, PAGES * PAGE)
    assert bytes(view[:3]) == b"abc"
    view[1] = 0
    assert os.pread(fd, 3, 0) == b"a\0c"


def test_it_is_not_closed_under_anybodys_eyes(fd: int) -> None:
    from pricetime.native.mapping import Mapping

    mapping = Mapping(fd, PAGES * PAGE)
    view = memoryview(mapping)
    with pytest.raises(BufferError, match="1 views"):
        mapping.close()
    view.release()
    mapping.close()
    mapping.close()
    with pytest.raises(BufferError, match="closed"):
        memoryview(mapping)
    with pytest.raises(ValueError, match="closed"):
        mapping.sync(0, PAGE)


@pytest.mark.parametrize(("first", "n_bytes"), [(0, PAGES * PAGE + 1), (PAGES * PAGE, 1), (2**63, 2**63)])
def test_pages_outside(fd: int, first: int, n_bytes: int) -> None:
    from pricetime.native.mapping import Mapping

    mapping = Mapping(fd, PAGES * PAGE)
    for call in (mapping.populate, mapping.sync):
        with pytest.raises(ValueError, match="the mapping has"):
            call(first, n_bytes)


def test_what_the_system_refuses(fd: int) -> None:
    from pricetime.native.mapping import Mapping

    with pytest.raises(OSError):
        Mapping(-1, PAGE)
    with pytest.raises(OSError):
        Mapping(fd, PAGE).sync(1, PAGE - 1)  # not at the beginning of a page

"""The seam to the disk: short and interrupted writes, what is private, locks; each call does what it says."""

import stat
from pathlib import Path

import pytest

from pricetime.native.disk import Disk


class Halting(Disk):
    """Writes a few bytes a call, and is interrupted at every second one."""

    calls = 0

    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        self.calls += 1
        if self.calls % 2:
            raise InterruptedError
        return super()._pwrite(fd, data[:3], offset)


class Full(Disk):
    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        return 0


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_a_new_file_is_private_has_its_room_and_zeros(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "new"
    disk.close(disk.create(path, 10_000))
    assert disk.size(path) == 10_000
    assert path.read_bytes() == bytes(10_000)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        disk.create(path)


@pytest.mark.parametrize("disk", [Disk(), Halting()])
def test_all_is_written(disk: Disk, tmp_path: Path) -> None:
    fd = disk.create(tmp_path / "file", 20)
    disk.write(fd, b"0123456789", 5)
    disk.sync(fd)
    disk.close(fd)
    disk.sync_file(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == bytes(5) + b"0123456789" + bytes(5)


def test_a_write_of_nothing_does_not_go_on_for_ever(tmp_path: Path) -> None:
    disk = Full()
    fd = disk.create(tmp_path / "file")
    with pytest.raises(OSError, match="nothing was written"):
        disk.write(fd, b"x", 0)
    disk.close(fd)


def test_what_is_read_is_live(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "file"
    fd = disk.create(path, 100)
    seen = memoryview(disk.read(path))
    disk.write(fd, b"later", 10)
    assert bytes(seen[10:15]) == b"later"
    assert seen.readonly
    disk.close(fd)


def test_an_empty_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert bytes(Disk().read(tmp_path / "empty")) == b""


def test_files_and_folders(tmp_path: Path) -> None:
    disk, folder = Disk(), tmp_path / "above" / "folder"
    disk.make_folder(folder)
    disk.make_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    disk.close(disk.create(folder / "a", 100))
    disk.truncate(folder / "a", 7)
    disk.rename(folder / "a", folder / "b")
    disk.sync_folder(folder)
    assert (disk.names(folder), disk.size(folder / "b")) == (["b"], 7)
    disk.unlink(folder / "b")
    assert disk.names(folder) == []


def test_a_lock_is_held_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    disk = Disk()
    held = disk.lock(tmp_path / "lock")
    before = open_files()
    with pytest.raises(BlockingIOError):
        disk.lock(tmp_path / "lock")
    assert open_files() == before
    disk.close(held)
    disk.close(disk.lock(tmp_path / "lock"))


def test_a_file_that_cannot_have_its_room_leaves_no_descriptor(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(OSError):
        Disk().create(tmp_path / "huge", 1 << 62)
    assert open_files() == before


def test_a_file_of_others_is_written_once_more_and_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, bytes]] = []

    class Watched(Disk):
        def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
            written.append((offset, bytes(data)))
            return super()._pwrite(fd, data, offset)

    monkeypatch.setattr("pricetime.native.disk.PIECE", 3)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    Watched().sync_file(path)
    assert not written
    Watched().sync_file(path, 2, 9)
    assert written == [(2, b"234"), (5, b"567"), (8, b"8")]
    assert path.read_bytes() == b"0123456789"

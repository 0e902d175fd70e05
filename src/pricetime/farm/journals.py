"""Journals: found below folders by their segments."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..log.batch import Position
from ..log.directory import SEGMENT, SNAPSHOT, Directory
from .errors import NoJournal


def journals(folders: Iterable[Path]) -> list[Path]:
    """Return the absolute paths of all journals in these folders and below them, sorted, each once.

    Raises NoJournal for a folder without one. O(files).
    """
    found: set[Path] = set()
    for folder in folders:
        here = {Path(path) for path, _, files in os.walk(folder.resolve()) if any(map(SEGMENT.fullmatch, files))}
        if not here:
            raise NoJournal(
                f"{folder} has no journal: no segment (a file such as 00000001.journal) is in it or below it. "
                "Give the folder of `pricetime serve --journal`, or a folder with several of them"
            )
        found |= here
    return sorted(found)


def fingerprint(journal: Path) -> str:
    """Return a digest of the names, sizes and times of a journal's files: a different one after every change.

    Raises OSError. O(files).
    """
    files = hashlib.blake2b(digest_size=8)
    for path in sorted(journal.iterdir()):
        if SEGMENT.fullmatch(path.name) or SNAPSHOT.fullmatch(path.name):
            stat = path.stat()
            files.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return files.hexdigest()


def size(journal: Path) -> int:
    """Return the bytes of a journal's segments. Raises OSError."""
    return sum(path.stat().st_size for path in journal.iterdir() if SEGMENT.fullmatch(path.name))


def end_of(directory: Directory, position: Position) -> dict[str, object]:
    """Return what was read up to a position: the journal's id, and the sequence and the CRC of the last command.

    The CRC covers all commands before. Raises BadHead, OSError.
    """
    journal = directory.head(position.segment).journal.hex()
    return {"id": journal, "last": position.sequence, "crc": f"{position.link:08x}"}

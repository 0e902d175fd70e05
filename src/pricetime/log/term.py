"""The term of a log, which grows with every start as its writer: read from the headers of its segments."""

from __future__ import annotations

import contextlib

from .directory import Directory
from .segment import BROKEN, SUFFIX, BadHead, read_head


def term_of(directory: Directory, number: int) -> int | None:
    """Return the term of a segment; None if it does not exist or has no valid head."""
    try:
        return read_head(directory.disk, directory.path_of(number)).term
    except (BadHead, FileNotFoundError):
        return None


def newest_term(directory: Directory) -> int:
    """Return the greatest term of all segments, also of those that a repair has renamed; 0 without one."""
    terms = [0]
    for file in directory.disk.names(directory.path):
        if file.endswith((SUFFIX, BROKEN)):
            with contextlib.suppress(BadHead):
                terms.append(read_head(directory.disk, directory.path / file).term)
    return max(terms)

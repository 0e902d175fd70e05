"""A process that runs out of descriptors, for as long as a test wants it to."""

import contextlib
import gc
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

OPEN_FILES = Path("/proc/self/fd")

counts_as_linux_does = pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="counts descriptors as Linux does")


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Within it none can be opened. What a test needs is opened before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    gc.collect()  # later it would close what earlier tests left
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(int(fd.name) for fd in OPEN_FILES.iterdir()) + 1, hard))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)

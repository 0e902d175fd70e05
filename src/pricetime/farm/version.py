"""The version of the code: tasks give equal results only under equal code."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@cache
def code_version() -> str:
    """Return the version of pricetime and a digest of its sources. Both forms, and all machines, have the same."""
    from .. import __version__

    sources = hashlib.blake2b(digest_size=6)
    for path in sorted(path for kind in ("py", "pxd", "h") for path in PACKAGE.rglob(f"*.{kind}")):
        sources.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{sources.hexdigest()}"

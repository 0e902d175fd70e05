"""The environment variables that pricetime reads, besides one for each setting of the server."""

from __future__ import annotations

PREFIX = "PRICETIME_"

#: Owner of a client, settings file of the server, directory of tapes, compiled or pure form, kind of build.
NAMES = ("OWNER", "CONFIG", "DATA", "PURE", "BUILD")

VARIABLES = frozenset(PREFIX + name for name in NAMES)

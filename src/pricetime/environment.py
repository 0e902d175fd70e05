"""The environment variables that pricetime reads, beside one for each setting of the server."""

from __future__ import annotations

PREFIX = "PRICETIME_"

#: A client's owner, the server's file of settings, the folder of tapes, the form that runs, how setup.py builds.
NAMES = ("OWNER", "CONFIG", "DATA", "PURE", "BUILD")

VARIABLES = frozenset(PREFIX + name for name in NAMES)

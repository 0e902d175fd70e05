"""The integer types of ``integers.pxd`` for the uncompiled form, read from that file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricetime.native.records import Integer, read_schema

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update(read_schema(Path(__file__).with_suffix(".pxd")))

i128: Any = Integer("__int128")
u128: Any = Integer("unsigned __int128")

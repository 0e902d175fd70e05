"""The records and constants of ``layout.pxd``, for the uncompiled form: read from that file, so written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pricetime.core.layout as core
from pricetime.native.records import read_schema

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...


known = {name: value for name, value in vars(core).items() if not name.startswith("_")}
globals().update(read_schema(Path(__file__).with_suffix(".pxd"), known))

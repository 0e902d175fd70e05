"""The records and constants of ``layout.pxd``, for the uncompiled form: read from that file, so written once."""

from __future__ import annotations

from pathlib import Path

import pricetime.core.layout as core
from pricetime.native.records import read_schema

known = {name: value for name, value in vars(core).items() if not name.startswith("_")}
globals().update(read_schema(Path(__file__).with_suffix(".pxd"), known))

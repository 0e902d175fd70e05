"""The records and constants of ``layout.pxd`` for the uncompiled form, read from that file."""

from __future__ import annotations

from pathlib import Path

from pricetime.native import integers
from pricetime.native.records import read_schema

globals().update(read_schema(Path(__file__).with_suffix(".pxd"), vars(integers)))

"""``python -m pricetime``: the command, where it is not on the path."""

from __future__ import annotations

from .cli import main

main(prog_name="pricetime")

"""Write the files that are generated from the schema of the wire: ``python -m tools.wire``, or ``make wire``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from .dissector import dissector
from .page import page
from .stub import stub
from .vectors import vectors

ROOT = Path(__file__).parents[2]

#: Each file, and the function that makes it.
FILES: dict[str, Callable[[], str]] = {
    "src/pricetime/wire/messages.pyi": stub,
    "src/pricetime/wire/pricetime.lua": dissector,
    "docs/reference/wire.md": page,
    "docs/reference/wire-vectors.json": vectors,
}


def main() -> None:
    for name, text in FILES.items():
        (ROOT / name).write_text(text(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()

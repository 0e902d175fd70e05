"""Draw docs/pictures/runs from the runs in docs/runs: ``make pictures``.

A run ``docs/runs/NAME.json`` gives pictures such as ``NAME-percentiles-round-trip-light.svg``. All runs in a folder
``docs/runs/NAME/`` share their pictures, which are named after the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pricetime.load.pictures import pictures, write
from pricetime.load.recording import load

DOCS = Path(__file__).parents[1] / "docs"

#: Pictures of runs that no longer exist are removed from it.
PICTURES = DOCS / "pictures" / "runs"


def sets(runs: Path) -> dict[str, list[Path]]:
    """The runs that share their pictures, by name."""
    single = {path.stem: [path] for path in sorted(runs.glob("*.json"))}
    together = {folder.name: sorted(folder.glob("*.json")) for folder in sorted(runs.iterdir()) if folder.is_dir()}
    return {name: paths for name, paths in {**single, **together}.items() if paths}


def draw(runs: Path, folder: Path) -> list[Path]:
    """Draw all pictures, and remove those of runs that no longer exist."""
    drawn = [
        path for name, paths in sets(runs).items() for path in write(pictures(load(paths)), folder, prefix=f"{name}-")
    ]
    for path in {*folder.glob("*.svg"), *folder.glob("*.png")} - set(drawn):
        path.unlink()
    return drawn


def main() -> None:
    runs = DOCS / "runs"
    if not runs.is_dir() or not sets(runs):
        sys.exit("no runs under docs/runs: record one with pricetime load --out docs/runs/NAME")
    drawn = draw(runs, PICTURES)
    sys.stdout.write(f"wrote {len(drawn)} pictures to docs/pictures/runs\n")


if __name__ == "__main__":
    main()

"""The message of a command that runs out of memory: what to lower."""

from __future__ import annotations

OWN = "lower --order-capacity"
SERVER = "the books need the size that they have in the server: lower its setting order_capacity"

#: By command. The other commands need only memory for their data.
REMEDIES = {
    "demo": OWN,
    "follow": SERVER,
    "journal": SERVER,
    "load": "lower --seconds, --rate or --sessions",
    "replay": f"{OWN}, or for a journal the server's setting order_capacity",
    "serve": "lower --order-capacity and --feed-store-reports",
    "subscribe": OWN,
}


def message(command: str | None, error: MemoryError) -> str:
    """The line that the command ends with."""
    remedy = REMEDIES.get(command or "", "use smaller files")
    return (
        f"not enough memory ({error or 'none left'}): {remedy}, or raise the memory limit of this process (ulimit -v)"
    )

"""What to lower where there is not enough memory for a command."""

from __future__ import annotations

OWN = "lower --order-capacity"
SERVER = "the books are as large as the server's: lower its setting order_capacity"

#: By command; the others need no more than their data.
REMEDIES = {
    "demo": OWN,
    "follow": SERVER,
    "journal": SERVER,
    "load": "lower --seconds, --rate or --sessions",
    "replay": f"{OWN}, or of a journal the server's setting order_capacity",
    "serve": "lower --order-capacity and --feed-store-reports",
    "subscribe": OWN,
}


def told(command: str | None, error: MemoryError) -> str:
    """The line that a command ends with."""
    remedy = REMEDIES.get(command or "", "give it smaller files")
    return f"not enough memory ({error or 'none left'}): {remedy}, or let this process have more (ulimit -v)"

from __future__ import annotations

from pricetime.measure.latency import KINDS, Latencies


def test_the_kinds() -> None:
    assert KINDS == ("rests", "trades", "cancel", "replace", "other")
    copies = Latencies().copies()
    assert tuple(copies) == KINDS
    assert all(histogram.count == 0 for histogram in copies.values())


def test_copies_are_copies() -> None:
    latencies = Latencies()
    latencies.copies()["rests"].record_many([1])
    assert latencies.copies()["rests"].count == 0

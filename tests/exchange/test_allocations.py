"""An order on its way through the exchange asks the heap for nothing: not once, in any thread that carries orders."""

from pathlib import Path

import pytest

from tests.counting import counted

pytestmark = pytest.mark.compiled

#: A whole exchange in its threads. When the first orders are through, and every stream and page has been used, the
#: allocations of the threads that carry orders are counted over many more: with a journal over several segments.
COUNTED = """
import threading, time
from tests.exchange.blast import PATIENCE_S, Blast

level, every, folder = sys.argv[1:]
journal = {"journal": folder, "acknowledge": level, "segment_bytes": 2**19} if level else {}

def answered(blast):
    deadline = time.monotonic() + PATIENCE_S
    while sum(each.count for each in blast.exchange.latencies()["tick_to_trade"].values()) < blast.sent:
        assert time.monotonic() < deadline, "it goes no further"
        time.sleep(0.001)

with Blast(owners=2, commands=10_000, prefault=True, match_sample_every=int(every), **journal) as blast:
    carry = {t.name: t.native_id for t in threading.enumerate() if t.name == "pricetime-gateway"}
    blast.send(1)
    answered(blast)
    before = {name: allocations_of(number) for name, number in carry.items()}
    service = blast.exchange.journal
    stats, segments = blast.exchange.stats(), service and service.log.writer.progress()[1]
    blast.send(3)
    answered(blast)
    after = {name: allocations_of(number) for name, number in carry.items()}
    more = {name: value - stats[name] for name, value in blast.exchange.stats().items()}
    more["segments"] = blast.exchange.journal.log.writer.progress()[1] - segments if level else 0
    more["timed"] = sum(each.count for each in blast.exchange.latencies()["match"].values())
    blast.finish()
print(json.dumps([before, after, more]))
"""


@pytest.mark.parametrize("level", ["", "memory", "durable"])
def test_no_thread_that_carries_orders_asks_for_anything(level: str, tmp_path: Path) -> None:
    before, after, more = counted(COUNTED, tmp_path, level, "7", str(tmp_path / "journal"))
    assert list(before) == ["pricetime-gateway"]
    assert all(count > 0 for count in before.values()), "what a thread does before it runs is counted"
    assert more["commands"] == 30_000
    assert more["reports"] > 30_000
    assert more["slow_readers"] == 0
    assert more["timed"] > 30_000 // 7
    assert more["segments"] >= (4 if level else 0)
    assert after == before, f"{sum(after.values()) - sum(before.values())} allocations for 30,000 orders"

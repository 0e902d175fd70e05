"""A follower's machine and its journal, without servers: messages are given to it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from pricetime.cluster.page import NO_DIGEST, Page, TermRecord
from pricetime.cluster.reader import Stored
from tests.cluster.streams import run
from tests.log.test_begin import CONFIGURATION, orders

pytestmark = pytest.mark.compiled

#: Commands of a page, and how many of them the journal has room for at once.
PAGE, ROOM = 500, 130


def test_a_page_for_which_the_journal_has_no_room_at_once(tmp_path: Path) -> None:
    """Each checkpoint in the journal has the reports before it, so the journal can be recovered."""
    from pricetime.cluster.following import Following
    from pricetime.exchange.settings.config import GatewayConfig
    from pricetime.exchange.settings.server_log import make_log
    from pricetime.exchange.standby.journal import Journal

    settings = GatewayConfig(journal=tmp_path, open=True, sync_interval_ms=1, prefault=False)
    journal = Journal(settings, make_log())
    following = Following(settings, journal, make_log())
    record = TermRecord.make(
        1, 1, NO_DIGEST, node="a", began_ns=0, epoch=5, configuration=CONFIGURATION, addresses={}, program=""
    )
    page = Page.make(1, 1, orders(1, PAGE), [], record.digest)
    run(following.apply(Stored(1, record)))
    following._open(1)
    log: Any = journal.log
    append = log.append_records

    def append_some(commands: Any, *before: int) -> int:
        while log.durable < log.last:  # so that a checkpoint is due
            time.sleep(0.001)
        taken: int = append(commands[:ROOM], *before)
        return taken

    log.append_records = append_some
    asyncio.run(following.apply(Stored(2, page)))
    assert following.sequence == following.machine.sequence == PAGE
    digest = following.machine.digest()
    following.close()
    journal.close()

    recovered = Journal(settings, make_log())
    assert (recovered.machine.sequence, recovered.machine.digest()) == (PAGE, digest)
    recovered.close()

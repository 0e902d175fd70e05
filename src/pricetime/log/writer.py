# The fields of the class are in the .pxd, where the compiler checks them.
# mypy: disable-error-code="attr-defined, has-type"

"""The engine's side of a journal: appends commands to a mapped segment with plain stores.

Three parties are involved. The *engine* appends and never waits. The *syncer* syncs what was appended and offers
prepared segments. Any number of *readers*, also in other processes, map the same file.

Readers, and what a killed process leaves. The eight bytes before a command are stored last, with release. A reader that
loads them with acquire and finds a length finds the whole command. A killed process leaves complete records, then zeros
where the head of a possibly incomplete record would be.

The syncer. The engine never stores into a page that was synced: the store would fault, because the system tracks
written pages, and a torn write of the page could destroy a durable record. So before a sync the engine must be known to
leave the page in use. The syncer stores ``turn_wanted`` and then loads ``entries``; the engine stores ``entries`` and
then loads ``turn_wanted``, all with SEQ_CST. So either the engine sees the request and goes to the next page before its
first store, or the syncer sees that the engine is inside and waits for the end of that batch; later commands are on the
next page. An engine that has changed the page says where in ``turned_place``; if it did not come back, ``place`` is
unchanged.

What the syncer finds in the pages: ``place`` is stored with release after the records, and loaded with acquire.
"""

from __future__ import annotations

import cython

from pricetime._form import need_compiled
from pricetime.log.commit_log import CommitLog
from pricetime.native.mapping import Mapping

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset
else:
    need_compiled("the writer of a journal")


@cython.cclass
class Writer(CommitLog):
    """The part of a ``FileLog`` that the engine and the event loop use: appends commands to the offered segments."""

    if not cython.compiled:
        in_use: Mapping | None
        ready: Mapping | None

    # ------------------------------------------------------------------ the engine

    def append(
        self, commands: cython.pointer[cython.const[Command]], count: u64, seq_num: u64, report_checksum: u32
    ) -> u64:
        done: u64 = 0
        store_u64(cython.address(self.entries), self.entries + 1, SEQ_CST)
        if count != 0 and load_u32(cython.address(self.broken), ACQUIRE) == 0:
            if load_u32(cython.address(self.turn_wanted), SEQ_CST) != 0:
                self._turn_page()
            if self._ensure_room(seq_num, report_checksum):
                done = min(count, (self._limit() - self.offset) // RECORD_BYTES)
                self._put(commands, done)
                store_u64(cython.address(self.sequence), commands[done - 1].sequence, RELEASE)
                store_u64(cython.address(self.place), self.number << 32 | self.offset, RELEASE)
        store_u64(cython.address(self.entries), self.entries + 1, RELEASE)
        return done

    def _ensure_room(self, seq_num: u64, report_checksum: u32) -> cython.bint:
        """Make room for a command, after a checkpoint if one is due. Returns False if no segment is offered."""
        synced: u64 = load_u64(cython.address(self.synced), ACQUIRE)
        while self.blank or synced != self.checkpointed or self.end - self.offset < RECORD_BYTES:
            if self.end - self.offset < RECORD_BYTES and not self._next_segment():
                self._starve()
                return False
            if not self._is_ready():
                return False
            self._put_checkpoint(synced, seq_num, report_checksum)
        return self._is_ready()

    def _limit(self) -> u64:
        """Offset up to which the segment in use may be stored into; after it the syncer may write zeros."""
        return load_u64(cython.address(self.limits[self.number & 1]), ACQUIRE)

    def _is_ready(self) -> cython.bint:
        """Return whether there is room for a record. If not, wake the syncer to make room."""
        if self.offset + RECORD_BYTES <= self._limit():
            return True
        self._starve()
        return False

    def _put(self, commands: cython.pointer[cython.const[Command]], count: u64) -> None:
        """Append commands to this segment, which has room for them."""
        at: cython.pointer[u8] = self.memory + self.offset
        link: u32 = self.link
        i: u64
        for i in range(count):
            memcpy(at + 8, cython.address(commands[i]), COMMAND_BYTES)
            link = linked(link, cython.cast(cython.pointer[cython.const[u64]], cython.address(commands[i])), 8)
            store_u64(
                cython.cast(cython.pointer[u64], at),
                cython.cast(u64, link) << 32 | cython.cast(u64, COMMAND_BYTES),
                RELEASE,
            )
            at += RECORD_BYTES
        self.link = link
        self.offset += count * RECORD_BYTES

    def _put_checkpoint(self, synced: u64, seq_num: u64, report_checksum: u32) -> None:
        """Append a checkpoint."""
        record: Command
        memset(cython.address(record), 0, COMMAND_BYTES)
        record.type = CHECKPOINT
        record.sequence = self.sequence
        record.order_id = synced
        record.quantity = seq_num
        record.tag = report_checksum
        self._put(cython.address(record), 1)
        self.checkpointed = synced
        self.blank = False

    def _turn_page(self) -> None:
        """Leave the page in use, or the whole segment, to the syncer. ``turned_place`` is stored before: see above."""
        leaves: cython.bint = load_u64(cython.address(self.left_wanted), RELAXED) == self.number
        store_u64(cython.address(self.turned_sequence), self.sequence, RELAXED)
        store_u64(cython.address(self.turned_place), self.place, RELAXED)
        store(cython.address(self.turn_wanted), 0, RELEASE)
        self.offset = self.end if leaves else (self.offset + PAGE - 1) // PAGE * PAGE

    def _next_segment(self) -> cython.bint:
        """Continue in the offered segment. Its head is complete for a reader once its CRC is stored."""
        number: u64 = load_u64(cython.address(self.offered), ACQUIRE)
        if number == 0:
            return False
        self.memory = self.offered_memory
        self.number = number
        self.offset = self.offered_first
        self.end = self.offered_bytes
        head: cython.pointer[SegmentHead] = cython.cast(cython.pointer[SegmentHead], self.memory)
        head.first_sequence = self.sequence + 1
        head.carried = self.link
        crc: u32 = crc_of(0, self.memory, CRC_OFFSET)
        self.link = crc if crc != 0 else 1
        store(cython.cast(cython.pointer[u32], self.memory + CRC_OFFSET), self.link, RELEASE)
        self.blank = True
        store_u64(cython.address(self.place), self.number << 32 | self.offset, RELEASE)
        store(cython.address(self.starved), 0, RELAXED)
        store_u64(cython.address(self.offered), 0, RELEASE)
        return True

    def _starve(self) -> None:
        """There is no room: the only case in which the engine wakes the syncer."""
        store(cython.address(self.starved), 1, SEQ_CST)
        self._wake()

    # ------------------------------------------------------------------ threads that hold reports back

    def watermark(self, level: u32) -> u64:
        if level < DURABLE:
            return load_u64(cython.address(self.sequence), ACQUIRE)
        synced: u64 = load_u64(cython.address(self.synced), SEQ_CST)
        if level < REPLICATED:
            return synced
        return min(synced, load_u64(cython.address(self.replicated), SEQ_CST))

    def has_failed(self) -> cython.bint:
        return load_u32(cython.address(self.broken), ACQUIRE) != 0

    def want(self) -> None:
        store(cython.address(self.wanted), 1, SEQ_CST)
        self._wake()
        self._wake_replicator()

    def _held_to(self) -> u64:
        """The watermark of what this log waits for: the disk at least."""
        return self.watermark(cython.cast(u32, DURABLE) if self.level < DURABLE else self.level)

    def _was_awaited(self, before: u64) -> cython.bint:
        """Has the watermark moved since it was ``before``, and does a thread wait for that?

        Syncer and replicator may move it at the same time. Each reads it after its own store, so at least one of
        them sees what both have done.
        """
        return self._held_to() != before and exchange(cython.address(self.wanted), 0, SEQ_CST) != 0

    def ask(self) -> None:
        """``want`` for Python."""
        self.want()

    @property
    def last(self) -> int:
        return load_u64(cython.address(self.sequence), ACQUIRE)

    # ------------------------------------------------------------------ the syncer

    def begin(
        self, mapping: Mapping, number: int, first_offset: int, sequence: int, link: int, limit: int | None = None
    ) -> None:
        """Continue after the command ``sequence``, whose record has the CRC ``link``, in this segment. Called once.

        Everything before it is on the disk. ``limit``: see ``offer``.
        """
        if self.number:
            raise TypeError("begin() was called before")
        self.traced = True
        self.first = sequence + 1
        self.sequence = self.turned_sequence = self.claimed = self.synced = self.replicated = sequence
        self.link = link
        self.offer(mapping, number, first_offset, limit)
        self._next_segment()
        self.turned_place = self.place

    def offer(self, mapping: Mapping, number: int, first_offset: int, limit: int | None = None) -> None:
        """Offer a prepared segment: not in use, its head on the disk, its first pages prepared.

        ``limit``: the engine stores nothing after it until ``allow`` moves it; by default there is no limit.
        """
        if not self.wants_segment:
            raise ValueError("the engine has not taken the segment offered before")
        taken: Mapping = mapping
        if number == 0 or first_offset % PAGE or first_offset + PAGE > taken.n_bytes or taken.n_bytes % PAGE:
            raise ValueError(f"not a segment: {taken.n_bytes} bytes, number {number}, first record at {first_offset}")
        self.allow(number, taken.n_bytes if limit is None else limit)
        self.in_use, self.ready = self.ready, taken  # the engine took the last segment and has left the one before it
        self.offered_memory = taken.memory
        self.offered_bytes = taken.n_bytes
        self.offered_first = first_offset
        store_u64(cython.address(self.offered), number, RELEASE)

    def allow(self, number: int, limit: int) -> None:
        """Allow the engine to store up to this offset of a segment, the one in use or the offered one."""
        store_u64(cython.address(self.limits[number & 1]), limit, RELEASE)

    @property
    def wants_segment(self) -> bool:
        """Return whether the engine has taken the last offered segment."""
        return load_u64(cython.address(self.offered), ACQUIRE) == 0

    @property
    def has_new(self) -> bool:
        """Return whether anything was appended since the last ``turn``."""
        return load_u64(cython.address(self.sequence), ACQUIRE) != self.claimed

    def progress(self) -> tuple[int, int, int]:
        """Return how far the engine is: (sequence, segment, offset after its last record).

        The offset may be a batch ahead of the sequence.
        """
        sequence = load_u64(cython.address(self.sequence), ACQUIRE)
        place: u64 = load_u64(cython.address(self.place), ACQUIRE)
        return sequence, place >> 32, place & 0xFFFFFFFF

    def turn(self, leave: int = 0) -> tuple[int, int, int]:
        """Claim the page in use. Returns (sequence, segment, offset) of the last record before the next page.

        Everything before is in the pages, and the engine does not store into them again. Waits for the end of a batch.
        Releases the GIL only for that, because getting it back may take longer than the whole commit. ``leave``: number
        of a segment that the engine must leave for the offered one.
        """
        store_u64(cython.address(self.left_wanted), leave, RELAXED)
        store(cython.address(self.turn_wanted), 1, SEQ_CST)
        seen: u64 = load_u64(cython.address(self.entries), SEQ_CST)
        if seen & 1 != 0:
            with cython.nogil:
                self._wait_while_inside(seen)
        sequence: u64 = load_u64(cython.address(self.sequence), ACQUIRE)
        place: u64 = load_u64(cython.address(self.place), ACQUIRE)
        if load_u32(cython.address(self.turn_wanted), ACQUIRE) == 0:  # it appended meanwhile and changed the page
            sequence = load_u64(cython.address(self.turned_sequence), RELAXED)
            place = load_u64(cython.address(self.turned_place), RELAXED)
        self.claimed = sequence
        return sequence, place >> 32, place & 0xFFFFFFFF

    def _wait_while_inside(self, entry: u64) -> None:
        """Wait until the engine has ended the batch that it began at this entry."""
        looks: u64 = 0
        while load_u64(cython.address(self.entries), ACQUIRE) == entry:
            if looks < SPINS:
                pause()
            else:
                yield_processor()
            looks += 1

    def publish_synced(self, sequence: int) -> bool:
        """Note that everything up to here is on the disk. Returns True if a thread waits for that."""
        before: u64 = self._held_to()
        store_u64(cython.address(self.synced), sequence, SEQ_CST)
        return self._was_awaited(before)

    # ------------------------------------------------------------------ the replicator

    def publish_replicated(self, sequence: int) -> bool:
        """Note that everything up to here is in the replicated stream. Returns True if a thread waits for that."""
        before: u64 = self._held_to()
        store_u64(cython.address(self.replicated), sequence, SEQ_CST)
        return self._was_awaited(before)

    def sleep_replicator(self, wake_fd: int) -> bool:
        """Before the replicator sleeps: a thread that waits for progress then writes to its eventfd, once.

        Returns False if something was appended after the last command that is replicated: do not sleep then.
        """
        self.replicator_fd = wake_fd
        store(cython.address(self.replicator_sleeps), 1, SEQ_CST)
        return load_u64(cython.address(self.sequence), SEQ_CST) == load_u64(cython.address(self.replicated), RELAXED)

    def _wake_replicator(self) -> None:
        if load_u32(cython.address(self.replicator_sleeps), SEQ_CST) != 0:
            exchange(cython.address(self.replicator_sleeps), 0, RELAXED)
            one: u64 = 1
            write(self.replicator_fd, cython.address(one), 8)

    # ------------------------------------------------------------------ failures and the end

    def fail(self) -> None:
        """Note a failure: nothing is appended or acknowledged any more."""
        store(cython.address(self.broken), 1, SEQ_CST)

    def wait(self, timeout_ns: int, unless_new: bool) -> None:
        """Sleep until woken; with ``unless_new``, not if something was appended since the last turn."""
        timeout: i64 = timeout_ns
        not_when_new: cython.bint = unless_new
        with cython.nogil:
            self._sleep(timeout, not_when_new)

    def _sleep(self, timeout_ns: i64, unless_new: cython.bint) -> None:
        store(cython.address(self.asleep), 1, SEQ_CST)
        fence(SEQ_CST)
        new: cython.bint = unless_new and load_u64(cython.address(self.sequence), ACQUIRE) != self.claimed
        if not new and not self._is_starving() and load_u32(cython.address(self.called), ACQUIRE) == 0:
            sleep_while(cython.address(self.asleep), 1, timeout_ns, False)
        store(cython.address(self.asleep), 0, RELAXED)
        exchange(cython.address(self.called), 0, SEQ_CST)

    def _is_starving(self) -> cython.bint:
        return (
            load_u32(cython.address(self.starved), ACQUIRE) != 0
            and load_u64(cython.address(self.offered), ACQUIRE) == 0
        )

    def call(self) -> None:
        """Wake the syncer, now or when it next would sleep."""
        store(cython.address(self.called), 1, SEQ_CST)
        self._wake()

    def _wake(self) -> None:
        fence(SEQ_CST)
        if load_u32(cython.address(self.asleep), RELAXED) != 0:
            exchange(cython.address(self.asleep), 0, RELAXED)
            wake(cython.address(self.asleep), False)

    def release(self) -> None:
        """Release the segments. Allowed only when the engine has ended."""
        self.offset = self.end = 0
        store_u64(cython.address(self.offered), 0, RELEASE)
        self.in_use = self.ready = None

# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The engine's side of a journal: commands into a mapped segment with stores to memory alone.

Three parties meet here. The *engine* appends; it never waits, for a lock or anything else. The *syncer* brings what was
appended to the disk, and hands over segments that are ready. Any number of *readers*, also in other processes, map the
same file.

Readers, and what a killed process leaves. The eight bytes ahead of a command are stored last, with release: whoever
loads them with acquire and finds a length finds the command too. A process that is killed leaves some first records
whole, and behind them zeros ahead of what may be part of a command.

The syncer. A page that was synced is never stored into again: a store would fault, since the system takes note of
pages that were written to, and a torn write of the page could take a durable record with it. So before a sync the
engine must be known to leave the page in use. The syncer stores ``turn_wanted`` and then loads ``entries``; the engine
stores ``entries`` and then loads ``turn_wanted``, both with SEQ_CST: so either the engine sees the wish and turns
the page before its first store, or the syncer sees that the engine is inside, and waits for the end of that batch. What
comes after that batch is behind the turn. The place of the turn is told in ``turned_place`` by an engine that turned;
an engine that did not come back has ``place`` as it was.

What the syncer finds in the pages: ``place`` is stored with release behind the records, and read with acquire.
"""

from __future__ import annotations

import cython

from pricetime._form import need_compiled

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset
else:
    need_compiled("the writer of a journal")


@cython.final
@cython.cclass
class Writer:
    """Takes commands once it was given a segment: see ``Syncer``."""

    # ------------------------------------------------------------------ the engine

    def append(self, commands, count, seq_num, report_checksum):
        """Put commands into the journal, whose sequences go on from the last: how many of them are in it now.

        Fewer than ``count`` at the end of a segment: those are to be executed before the rest is given again. None when
        no segment is ready, or after a failure. ``seq_num`` and ``report_checksum`` are those
        after all commands so far.
        """
        done: u64 = 0
        store_u64(cython.address(self.entries), self.entries + 1, SEQ_CST)
        if count != 0 and load_u32(cython.address(self.has_failed), ACQUIRE) == 0:
            if load_u32(cython.address(self.turn_wanted), SEQ_CST) != 0:
                self._turn_page()
            if self._make_room(seq_num, report_checksum):
                done = min(count, (self._limit() - self.offset) // RECORD_BYTES)
                self._put(commands, done)
                store_u64(cython.address(self.sequence), commands[done - 1].sequence, RELEASE)
                store_u64(cython.address(self.place), self.number << 32 | self.offset, RELEASE)
        store_u64(cython.address(self.entries), self.entries + 1, RELEASE)
        return done

    def append_records(self, commands, seq_num=0, report_checksum=0):
        """``append`` for Python: ``commands`` is an array of ``pricetime.COMMAND``, which is not copied."""
        commands = checked(commands)
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
        count: u64 = len(commands)
        number: u64 = seq_num
        link: u32 = report_checksum
        with cython.nogil:
            done: u64 = self.append(first, count, number, link)
        return done

    def _make_room(self, seq_num, report_checksum):
        """Have room for a command, behind a checkpoint where one is due. False when no segment is ready."""
        durable: u64 = load_u64(cython.address(self.durable), ACQUIRE)
        while self.blank or durable != self.checkpointed or self.end - self.offset < RECORD_BYTES:
            if self.end - self.offset < RECORD_BYTES and not self._next_segment():
                self._starve()
                return False
            if not self._is_ready():
                return False
            self._put_checkpoint(durable, seq_num, report_checksum)
        return self._is_ready()

    def _limit(self):
        """Up to here the segment in use may be stored into: behind it the syncer may be writing zeros."""
        return load_u64(cython.address(self.limits[self.number & 1]), ACQUIRE)

    def _is_ready(self):
        """May a record be put where the engine is? Else the syncer is called to make room."""
        if self.offset + RECORD_BYTES <= self._limit():
            return True
        self._starve()
        return False

    def _put(self, commands, count):
        """Commands into this segment, which has room for them."""
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

    def _put_checkpoint(self, durable, seq_num, report_checksum):
        """Where everything stands, ahead of the next command."""
        record: Command
        memset(cython.address(record), 0, COMMAND_BYTES)
        record.type = CHECKPOINT
        record.sequence = self.sequence
        record.order_id = durable
        record.quantity = seq_num
        record.tag = report_checksum
        self._put(cython.address(record), 1)
        self.checkpointed = durable
        self.blank = False

    def _turn_page(self):
        """The page in use is the syncer's now, or the whole segment. Told before it is left: see above."""
        leaves: cython.bint = load_u64(cython.address(self.left_wanted), RELAXED) == self.number
        store_u64(cython.address(self.turned_sequence), self.sequence, RELAXED)
        store_u64(cython.address(self.turned_place), self.place, RELAXED)
        store(cython.address(self.turn_wanted), 0, RELEASE)
        self.offset = self.end if leaves else (self.offset + PAGE - 1) // PAGE * PAGE

    def _next_segment(self):
        """Go on in the segment that is ready. Its head is whole for a reader once its CRC is there."""
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

    def _starve(self):
        """Nothing can be appended until there is room: the one time that the engine wakes the syncer."""
        store(cython.address(self.starved), 1, SEQ_CST)
        self._wake()

    # ------------------------------------------------------------------ whoever holds reports back

    def synced(self):
        """All commands up to this sequence are on the disk."""
        return load_u64(cython.address(self.durable), ACQUIRE)

    def failed(self):
        """Nothing is appended any more, and nothing that is not durable may ever be called so."""
        return load_u32(cython.address(self.has_failed), ACQUIRE) != 0

    def want(self):
        """Somebody waits for ``synced`` to move, and is told by the syncer's ``wake_fd`` when it has, once.

        Whoever calls looks at ``synced`` and ``failed`` once more before it sleeps: they may have moved just before.
        """
        store(cython.address(self.wanted), 1, SEQ_CST)
        self._wake()

    # ------------------------------------------------------------------ the syncer

    def start(self, mapping, number, first_offset, sequence, link, limit=None):
        """Go on behind the command ``sequence``, whose record has the CRC ``link``, in this segment. Once.

        What lies before it is on the disk. ``limit``: as of ``offer``.
        """
        if self.number:
            raise TypeError("this writer was started before")
        self.sequence = self.turned_sequence = self.claimed = self.durable = sequence
        self.link = link
        self.offer(mapping, number, first_offset, limit)
        self._next_segment()
        self.turned_place = self.place

    def offer(self, mapping, number, first_offset, limit=None):
        """A segment that is ready: not in use, its head on the disk, its first pages populated.

        ``limit``: the engine stores nothing behind it until it is moved by ``allow``; by default there is none.
        """
        if not self.wants_segment:
            raise ValueError("the segment before has not been taken yet")
        taken: Mapping = mapping
        if number == 0 or first_offset % PAGE or first_offset + PAGE > taken.n_bytes or taken.n_bytes % PAGE:
            raise ValueError(f"no segment: {taken.n_bytes} bytes, number {number}, first record at {first_offset}")
        self.allow(number, taken.n_bytes if limit is None else limit)
        self.in_use, self.ready = self.ready, taken  # the engine took the last, and has left the one before it
        self.offered_memory = taken.memory
        self.offered_bytes = taken.n_bytes
        self.offered_first = first_offset
        store_u64(cython.address(self.offered), number, RELEASE)

    def allow(self, number, limit):
        """The engine may store up to this offset of a segment, the one in use or that offered."""
        store_u64(cython.address(self.limits[number & 1]), limit, RELEASE)

    @property
    def wants_segment(self):
        """Has the engine taken the last segment that was offered?"""
        return load_u64(cython.address(self.offered), ACQUIRE) == 0

    @property
    def appended(self):
        """The sequence of the last command in the journal."""
        return load_u64(cython.address(self.sequence), ACQUIRE)

    @property
    def has_new(self):
        """Was anything appended since the last ``turn``?"""
        return load_u64(cython.address(self.sequence), ACQUIRE) != self.claimed

    def progress(self):
        """How far the engine is at this moment: (sequence, segment, offset behind its last record).

        The place may be a batch further than the sequence.
        """
        sequence = load_u64(cython.address(self.sequence), ACQUIRE)
        place: u64 = load_u64(cython.address(self.place), ACQUIRE)
        return sequence, place >> 32, place & 0xFFFFFFFF

    def turn(self, leave=0):
        """Claim the page in use: (sequence, segment, offset) of the last record that lies before the next page.

        All up to there is in the pages, and the engine stores into none of them any more. Waits for the end of a batch;
        only then is the GIL given up: to have it back may take longer than the whole commit. ``leave``: the number of
        a segment that the engine is to leave for the one that is offered; of that nothing more is stored into.
        """
        store_u64(cython.address(self.left_wanted), leave, RELAXED)
        store(cython.address(self.turn_wanted), 1, SEQ_CST)
        seen: u64 = load_u64(cython.address(self.entries), SEQ_CST)
        if seen & 1 != 0:
            with cython.nogil:
                self._wait_while_inside(seen)
        sequence: u64 = load_u64(cython.address(self.sequence), ACQUIRE)
        place: u64 = load_u64(cython.address(self.place), ACQUIRE)
        if load_u32(cython.address(self.turn_wanted), ACQUIRE) == 0:  # it came back meanwhile, and turned
            sequence = load_u64(cython.address(self.turned_sequence), RELAXED)
            place = load_u64(cython.address(self.turned_place), RELAXED)
        self.claimed = sequence
        return sequence, place >> 32, place & 0xFFFFFFFF

    def _wait_while_inside(self, entry):
        """Until the engine has left the batch that it began at this entry."""
        looks: u64 = 0
        while load_u64(cython.address(self.entries), ACQUIRE) == entry:
            if looks < SPINS:
                pause()
            else:
                yield_processor()
            looks += 1

    def publish_synced(self, sequence):
        """Everything up to here is on the disk: True when somebody waits to be told."""
        store_u64(cython.address(self.durable), sequence, SEQ_CST)
        return exchange(cython.address(self.wanted), 0, SEQ_CST) != 0

    def fail(self):
        """Nothing more is appended, and nothing may be acknowledged any more."""
        store(cython.address(self.has_failed), 1, SEQ_CST)

    def wait(self, timeout_ns, unless_new):
        """Sleep until somebody calls; ``unless_new``: but not when anything was appended since the last turn."""
        timeout: i64 = timeout_ns
        not_when_new: cython.bint = unless_new
        with cython.nogil:
            self._wait(timeout, not_when_new)

    def _wait(self, timeout_ns, unless_new):
        store(cython.address(self.asleep), 1, SEQ_CST)
        fence(SEQ_CST)
        new: cython.bint = unless_new and load_u64(cython.address(self.sequence), ACQUIRE) != self.claimed
        if not new and not self._is_starving() and load_u32(cython.address(self.called), ACQUIRE) == 0:
            sleep_while(cython.address(self.asleep), 1, timeout_ns, False)
        store(cython.address(self.asleep), 0, RELAXED)
        exchange(cython.address(self.called), 0, SEQ_CST)

    def _is_starving(self):
        return (
            load_u32(cython.address(self.starved), ACQUIRE) != 0
            and load_u64(cython.address(self.offered), ACQUIRE) == 0
        )

    def call(self):
        """Let the syncer look up, now or when it next would wait."""
        store(cython.address(self.called), 1, SEQ_CST)
        self._wake()

    def _wake(self):
        fence(SEQ_CST)
        if load_u32(cython.address(self.asleep), RELAXED) != 0:
            exchange(cython.address(self.asleep), 0, RELAXED)
            wake(cython.address(self.asleep), False)

    def close(self):
        """Let go of the segments: nothing more is appended. Only when the engine has ended."""
        self.offset = self.end = 0
        store_u64(cython.address(self.offered), 0, RELEASE)
        self.in_use = self.ready = None

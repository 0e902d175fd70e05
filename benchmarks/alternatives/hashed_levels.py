# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Step 2: price levels in a hash table, the next best one found by trying one price after the other.

While levels are adjacent this is hard to beat: a lookup is one comparison, and the neighbour is the next entry. If the
best level empties and the next one is thousands of ticks away, every price between is tried. After ``SCAN`` prices the
search goes through all levels instead, so that its time is bounded for any gap.
"""

from __future__ import annotations

import cython
from cython.cimports.pricetime.native.memory import release, reserve


@cython.final
@cython.cclass
class HashedLevels(Arena):
    def __cinit__(self, _capacity: u32, level_capacity: u32):
        entries: u64 = 64
        while entries < 2 * cython.cast(u64, level_capacity):
            entries *= 2
        self.mask = cython.cast(u32, entries - 1)
        self.shift = 64 - (int(entries // 8).bit_length() - 1)
        side: u32
        for side in range(2):
            self.tables[side] = cython.cast(cython.pointer[LevelEntry], reserve(entries * cython.sizeof(LevelEntry)))
            if not self.tables[side]:
                raise MemoryError(f"no room for a table of {entries} levels")

    def __dealloc__(self):
        entries: u64 = self.mask
        release(self.tables[0], (entries + 1) * cython.sizeof(LevelEntry))
        release(self.tables[1], (entries + 1) * cython.sizeof(LevelEntry))

    def level_at(self, side, key):
        table: cython.pointer[LevelEntry] = self.tables[side]
        position: u32 = self._home_of(key)
        while table[position].level != NIL and table[position].key != key:
            position = (position + 1) & self.mask
        return table[position].level

    def level_behind(self, side, key):
        if self.level_counts[side] == 0:
            return NIL
        lowest: i64 = cython.cast(i64, cython.cast(u64, 1) << 63)
        last: i64 = lowest if key < lowest + SCAN else key - SCAN
        while key > last:
            key -= 1
            level: u32 = self.level_at(side, key)
            if level != NIL:
                return level
        return self._best_below(side, key)

    def _best_below(self, side, key):
        """The same by searching all levels of both sides."""
        best: u32 = NIL
        index: u32
        for index in range(1, self.fresh_level):
            level: cython.pointer[Level] = cython.address(self.levels[index])
            if level.count == 0 or level.side != side + BID or level.key >= key:
                continue
            if best == NIL or level.key > self.levels[best].key:
                best = index
        return best

    def enter(self, side, key, level):
        table: cython.pointer[LevelEntry] = self.tables[side]
        home: u32 = self._home_of(key)
        position: u32 = home
        while table[position].level != NIL:
            position = (position + 1) & self.mask
        table[position].key = key
        table[position].level = level
        table[position].home = home

    def leave(self, side, key):
        """Close a gap: later entries move up if the gap is between them and their home."""
        table: cython.pointer[LevelEntry] = self.tables[side]
        gap: u32 = self._home_of(key)
        while table[gap].key != key or table[gap].level == NIL:
            gap = (gap + 1) & self.mask
        position: u32 = gap
        while True:
            position = (position + 1) & self.mask
            if table[position].level == NIL:
                break
            if ((position - table[position].home) & self.mask) >= ((position - gap) & self.mask):
                table[gap] = table[position]
                gap = position
        table[gap].level = NIL

    def index_bytes(self):
        return 2 * (cython.cast(u64, self.mask) + 1) * cython.sizeof(LevelEntry)

    def _home_of(self, key):
        """A hash that keeps eight neighbouring prices adjacent, so that a scan mostly reads consecutive memory."""
        multiplier: u64 = 0x9E3779B97F4A7C15
        group: u64 = cython.cast(u64, key) >> 3
        return (cython.cast(u32, (group * multiplier) >> self.shift) << 3) | cython.cast(u32, key & 7)

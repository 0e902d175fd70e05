# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Step 3: price levels in order, in a sorted array cut into chunks.

A level is found by two binary searches, in the directory of chunks and in one chunk; the next best is the entry before
it. There are no long scans as in step 2. The cost is the search, and moving entries when a level is added or removed:
at most one chunk, and the directory if a chunk is split or joined.
"""

from __future__ import annotations

import cython
from cython.cimports.libc.string import memcpy, memmove
from cython.cimports.pricetime.native.memory import release, reserve


@cython.final
@cython.cclass
class SortedLevels(Arena):
    def __cinit__(self, _capacity: u32, level_capacity: u32):
        # Two neighbouring chunks together hold more than half a chunk; otherwise they would have been joined.
        self.chunk_capacity = level_capacity // (CHUNK // 4) + 8
        self.fresh_chunk = 1
        n: u64 = self.chunk_capacity
        self.chunks = cython.cast(cython.pointer[Chunk], reserve(n * cython.sizeof(Chunk)))
        if not self.chunks:
            raise MemoryError(f"no room for {n} chunks of levels")
        side: u32
        for side in range(2):
            d: cython.pointer[Directory] = cython.address(self.directories[side])
            d.lowest = cython.cast(cython.pointer[i64], reserve(n * cython.sizeof(i64)))
            d.chunks = cython.cast(cython.pointer[u32], reserve(n * cython.sizeof(u32)))
            if not (d.lowest and d.chunks):
                raise MemoryError(f"no room for a directory of {n} chunks")

    def __dealloc__(self):
        n: u64 = self.chunk_capacity
        release(self.chunks, n * cython.sizeof(Chunk))
        side: u32
        for side in range(2):
            release(self.directories[side].lowest, n * cython.sizeof(i64))
            release(self.directories[side].chunks, n * cython.sizeof(u32))

    def level_at(self, side, key):
        d: cython.pointer[Directory] = cython.address(self.directories[side])
        if d.count == 0:
            return NIL
        chunk: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[self._chunk_of(d, key)]])
        place: u32 = self._place_in(chunk, key)
        return chunk.levels[place] if place < chunk.count and chunk.keys[place] == key else NIL

    def level_behind(self, side, key):
        d: cython.pointer[Directory] = cython.address(self.directories[side])
        if d.count == 0:
            return NIL
        at: u32 = self._chunk_of(d, key)
        place: u32 = self._place_in(cython.address(self.chunks[d.chunks[at]]), key)
        if place != 0:
            return self.chunks[d.chunks[at]].levels[place - 1]
        if at == 0:
            return NIL
        before: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at - 1]])
        return before.levels[before.count - 1]

    def enter(self, side, key, level):
        d: cython.pointer[Directory] = cython.address(self.directories[side])
        if d.count == 0:
            self._open_chunk(d, 0, key)
        at: u32 = self._chunk_of(d, key)
        if self.chunks[d.chunks[at]].count == CHUNK:
            self._split(d, at)
            at = self._chunk_of(d, key)
        chunk: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at]])
        place: u32 = self._place_in(chunk, key)
        behind: u64 = chunk.count - place
        memmove(cython.address(chunk.keys[place + 1]), cython.address(chunk.keys[place]), behind * cython.sizeof(i64))
        memmove(
            cython.address(chunk.levels[place + 1]), cython.address(chunk.levels[place]), behind * cython.sizeof(u32)
        )
        chunk.keys[place] = key
        chunk.levels[place] = level
        chunk.count += 1
        d.lowest[at] = chunk.keys[0]

    def leave(self, side, key):
        d: cython.pointer[Directory] = cython.address(self.directories[side])
        at: u32 = self._chunk_of(d, key)
        chunk: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at]])
        place: u32 = self._place_in(chunk, key)
        chunk.count -= 1
        behind: u64 = chunk.count - place
        memmove(cython.address(chunk.keys[place]), cython.address(chunk.keys[place + 1]), behind * cython.sizeof(i64))
        memmove(
            cython.address(chunk.levels[place]), cython.address(chunk.levels[place + 1]), behind * cython.sizeof(u32)
        )
        if chunk.count == 0:
            self._close_chunk(d, at)
            return
        d.lowest[at] = chunk.keys[0]
        if at + 1 < d.count and chunk.count + self.chunks[d.chunks[at + 1]].count <= CHUNK // 2:
            self._join(d, at)
        elif at != 0 and chunk.count + self.chunks[d.chunks[at - 1]].count <= CHUNK // 2:
            self._join(d, at - 1)

    def index_bytes(self):
        entries: u64 = self.directories[0].count + self.directories[1].count
        return self.fresh_chunk * cython.sizeof(Chunk) + entries * (cython.sizeof(i64) + cython.sizeof(u32))

    def _chunk_of(self, d, key):
        """Return the last chunk whose lowest key is at most this key; the first chunk if there is none."""
        low: u32 = 0
        high: u32 = d.count
        while high - low > 1:
            middle: u32 = (low + high) // 2
            if d.lowest[middle] <= key:
                low = middle
            else:
                high = middle
        return low

    def _place_in(self, chunk, key):
        """Return how many keys of a chunk are smaller than this one."""
        low: u32 = 0
        high: u32 = chunk.count
        while low < high:
            middle: u32 = (low + high) // 2
            if chunk.keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _open_chunk(self, d, at, lowest):
        """Insert an empty chunk at this place of the directory."""
        index: u32 = self.free_chunk
        if index != NIL:
            self.free_chunk = self.chunks[index].next_free
        else:
            index = self.fresh_chunk
            self.fresh_chunk += 1
        behind: u64 = d.count - at
        memmove(cython.address(d.lowest[at + 1]), cython.address(d.lowest[at]), behind * cython.sizeof(i64))
        memmove(cython.address(d.chunks[at + 1]), cython.address(d.chunks[at]), behind * cython.sizeof(u32))
        d.count += 1
        d.lowest[at] = lowest
        d.chunks[at] = index
        self.chunks[index].count = 0
        return index

    def _close_chunk(self, d, at):
        self.chunks[d.chunks[at]].next_free = self.free_chunk
        self.free_chunk = d.chunks[at]
        d.count -= 1
        behind: u64 = d.count - at
        memmove(cython.address(d.lowest[at]), cython.address(d.lowest[at + 1]), behind * cython.sizeof(i64))
        memmove(cython.address(d.chunks[at]), cython.address(d.chunks[at + 1]), behind * cython.sizeof(u32))

    def _split(self, d, at):
        """Move the upper half of a full chunk to a new chunk behind it."""
        half: u64 = CHUNK // 2
        lower: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at]])
        index: u32 = self._open_chunk(d, at + 1, lower.keys[half])
        upper: cython.pointer[Chunk] = cython.address(self.chunks[index])
        memcpy(cython.address(upper.keys[0]), cython.address(lower.keys[half]), half * cython.sizeof(i64))
        memcpy(cython.address(upper.levels[0]), cython.address(lower.levels[half]), half * cython.sizeof(u32))
        lower.count = CHUNK // 2
        upper.count = CHUNK // 2

    def _join(self, d, at):
        """Move the levels of the next chunk into a chunk."""
        lower: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at]])
        upper: cython.pointer[Chunk] = cython.address(self.chunks[d.chunks[at + 1]])
        n: u64 = upper.count
        memcpy(cython.address(lower.keys[lower.count]), cython.address(upper.keys[0]), n * cython.sizeof(i64))
        memcpy(cython.address(lower.levels[lower.count]), cython.address(upper.levels[0]), n * cython.sizeof(u32))
        lower.count += upper.count
        self._close_chunk(d, at + 1)

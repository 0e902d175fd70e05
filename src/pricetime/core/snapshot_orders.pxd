# Signatures of snapshot_orders.py, in its order.

from pricetime.core.book cimport key_of
from pricetime.core.layout cimport *
from pricetime.core.rebuilt cimport Rebuilt
from pricetime.core.rebuilt_calls cimport is_full


cdef u64 write_book(Rebuilt rebuilt, Book *book, SnapshotOrder *orders, u64 count) noexcept nogil
cdef void _write(SnapshotOrder *order, Book *book, u32 side, u64 order_id, i64 price,
                 u64 quantity) noexcept nogil
cdef i64 load_run(Rebuilt rebuilt, const SnapshotOrder *orders, u64 count) noexcept nogil
cdef void _note_collected(Rebuilt rebuilt, Book *book) noexcept nogil
cdef u32 _load(Rebuilt rebuilt, const SnapshotOrder *order) noexcept nogil
cdef void clear_books(Rebuilt rebuilt) noexcept nogil
cdef void _remove_unpriced(Rebuilt rebuilt, Book *book) noexcept nogil

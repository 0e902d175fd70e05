# Signatures and fields of auction.py, in its order.

from pricetime.core.book cimport Books, place_of
from pricetime.core.layout cimport *
from pricetime.core.waiting cimport Waiting
from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport leading_zeros
from pricetime.native.integers cimport i128, u128


cdef class Auction(Waiting):
    cdef Block _memory               # of the links
    cdef u32 *links                  # by slot, the next stop order in a chain by limit; behind them, in order of joining
    cdef size_t slots
    cdef u32 first                   # the first stop order that takes part, NIL if none does
    cdef u32 last
    cdef u32 stops[2]                # the chains of those with a limit, the highest first: bids, asks
    cdef u128 market[2]              # lots of market orders: bids, asks
    cdef u32 buy_level               # the first levels of stop orders that do not take part
    cdef u32 sell_level
    cdef u32 _sorted[32]

    # what the auction would do
    cdef bint found                  # False: no two orders can trade
    cdef i64 price
    cdef u128 volume                 # lots
    cdef u128 surplus                # lots, whichever side has it
    cdef u32 surplus_side            # that has the surplus, 0 if neither has

    # the walk over the candidates
    cdef i64 candidate
    cdef u32 bid                     # the level of bids that is met next, NIL after the last
    cdef u32 ask
    cdef u32 buy_stop                # the same of the stop orders that take part
    cdef u32 sell_stop
    cdef bint reference_next         # the reference price is still to be met
    cdef u128 buyers                 # lots that buy at the candidate
    cdef u128 sellers

    # the best candidates so far; price and side are those of the one nearest to the reference price
    cdef i64 highest
    cdef i64 lowest
    cdef bint all_buy                # buyers have the surplus at all of them
    cdef bint all_sell
    cdef u64 distance                # from the reference price

    # stop orders inside the auction
    cdef void find_price(self, Books books, Book *book) noexcept nogil
    cdef u32 next_stop(self, u32 slot) noexcept nogil
    cdef bint _let_join(self, Books books, Book *book) noexcept nogil
    cdef u32 _let_level_join(self, Books books, u32 level, u32 chain) noexcept nogil
    cdef i64 stop_limit(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef u32 _sort(self, Books books, Book *book, u32 chain) noexcept nogil
    cdef u32 _merge(self, Books books, Book *book, u32 one, u32 two) noexcept nogil

    # the walk over the candidates
    cdef void _find_price(self, Books books, Book *book) noexcept nogil
    cdef bint _first_candidate(self, Books books, Book *book) noexcept nogil
    cdef bint _next_candidate(self, Books books, Book *book) noexcept nogil
    cdef void _buy_at(self, Books books, Book *book) noexcept nogil
    cdef void _sell_above(self, Books books, Book *book) noexcept nogil

    # the best candidates
    cdef void _consider(self, Book *book, i64 low, i64 high) noexcept nogil
    cdef void _come_near(self, Book *book, i64 low, i64 high, u32 side) noexcept nogil
    cdef void _settle(self, Book *book) noexcept nogil
    cdef i64 _within(self, i128 price) noexcept nogil
    cdef u128 _lots_of_queue(self, Books books, u32 queue) noexcept nogil


cdef u64 apart(i64 one, i64 two) noexcept nogil
cdef i64 nearest_to(i64 reference, i64 low, i64 high, u64 tick) noexcept nogil
cdef i128 part_of(i64 reference, i64 percent, u64 tick) noexcept nogil
cdef u32 level_ahead(Books books, Ladder *ladder, u32 level) noexcept nogil
cdef u32 trailing_zeros(u64 value) noexcept nogil

// A book in C++ with only what the measured flows need: limit orders of one instrument, cancels, reduces and replaces.
//
// It is what a specialised engine costs at least, so that the distance of OrderBook from it can be measured. It checks
// no field, knows no owners, limits or snapshots, and has no bound on the time of a command. Levels near the first
// price are an array with a bitmap of those in use; all others are in a map. Reports equal those of OrderBook.
//
// The build puts the records and numbers of pricetime.types before this file.

#include <map>
#include <vector>

using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i64 = std::int64_t;

namespace {

constexpr u32 NEAR = 1 << 18;  // levels of the array on each side
constexpr u32 AHEAD = 4;       // commands between the steps of prefetching

struct Order {
    u64 id, open;
    i64 key;  // bid: price, ask: ~price, so that the largest is the best on both sides
    u32 next, prev : 31, side : 1;
};

struct Level {
    u32 head = 0, tail = 0;  // first in, first out; 0 if it is empty
};

struct Side {
    Level near[NEAR];
    u64 in_use[NEAR / 64] = {}, words[NEAR / 4096] = {}, blocks = 0;  // three levels of a bitmap
    std::map<i64, Level> far;
    i64 first_key = 0, best = 0;
    bool empty = true;

    bool is_near(i64 key) const { return u64(key) - u64(first_key) < NEAR; }

    Level &at(i64 key) { return is_near(key) ? near[key - first_key] : far[key]; }

    void enter(i64 key) {
        if (is_near(key)) {
            u64 place = key - first_key;
            in_use[place / 64] |= 1ull << place % 64;
            words[place / 4096] |= 1ull << place / 64 % 64;
            blocks |= 1ull << place / 4096;
        }
        if (empty || key > best) best = key;
        empty = false;
    }

    void leave(i64 key) {
        if (is_near(key)) {
            u64 place = key - first_key;
            if (in_use[place / 64] &= ~(1ull << place % 64)) {
            } else if (words[place / 4096] &= ~(1ull << place / 64 % 64)) {
            } else {
                blocks &= ~(1ull << place / 4096);
            }
        } else {
            far.erase(key);
        }
        if (key == best) find_best();
    }

    void find_best() {
        empty = !blocks && far.empty();
        if (!far.empty()) best = far.rbegin()->first;
        if (!blocks) return;
        u64 block = 63 - __builtin_clzll(blocks);
        u64 word = block * 64 + 63 - __builtin_clzll(words[block]);
        i64 key = first_key + i64(word * 64 + 63 - __builtin_clzll(in_use[word]));
        if (far.empty() || key > best) best = key;
    }
};

struct Entry {
    u32 tag, slot;  // slot 0: unused
};

class Book {
public:
    u32 resting = 0;

    explicit Book(u32 capacity) : orders(capacity + 1) {
        while (mask < 2 * capacity) mask = 2 * mask + 1;
        ids.resize(mask + 1);
    }

    u64 run(const Command *commands, u64 count, Report *into) {
        reports = into;
        for (u64 i = 0; i < count; i++) {
            if (i + 2 * AHEAD < count) __builtin_prefetch(&ids[tag_of(commands[i + 2 * AHEAD].order_id) & mask]);
            if (i + AHEAD < count) fetch(commands[i + AHEAD]);
            execute(commands[i]);
        }
        return reports - into;
    }

private:
    std::vector<Order> orders;
    std::vector<Entry> ids;  // open addressing, at most half full
    u32 mask = 63, fresh = 1, free_slot = 0;
    Side sides[2];  // bids, asks
    bool placed = false;
    Report *reports = nullptr;
    u64 number = 0;

    void fetch(const Command &c) {
        if (c.type == NEW_ORDER) {
            Side &side = sides[c.side - BID];
            i64 key = key_of(c.side - BID, c.price);
            if (side.is_near(key)) __builtin_prefetch(&side.near[key - side.first_key]);
        } else if (u32 slot = ids[find(c.order_id, true)].slot) {
            __builtin_prefetch(&orders[slot]);
        }
    }

    void execute(const Command &c) {
        if (c.type == NEW_ORDER) return add(c);
        u32 slot = ids[find(c.order_id)].slot;
        if (!slot) return report(REJECTED, c.side, UNKNOWN_ORDER, c.order_id, 0, c.price, c.quantity);
        Order &order = orders[slot];
        u32 side = order.side;
        if (c.type == CANCEL_ORDER) {
            report(CANCELLED, side + BID, NONE, c.order_id, 0, key_of(side, order.key), order.open);
            remove(slot);
        } else if (c.type == REDUCE_ORDER) {
            u64 by = c.quantity < order.open ? c.quantity : order.open;
            report(REDUCED, side + BID, NONE, c.order_id, 0, key_of(side, order.key), by);
            if (!(order.open -= by)) remove(slot);
        } else {
            i64 key = key_of(side, c.price);
            bool keeps = key == order.key && c.quantity <= order.open;
            report(REPLACED, side + BID, keeps ? KEPT_PLACE : NONE, c.order_id, c.order_id, c.price, c.quantity);
            if (keeps) {
                order.open = c.quantity;
                return;
            }
            unlink(slot);
            if (u64 left = match(side, c.order_id, key, c.quantity)) return append(slot, side, key, left);
            forget(slot);
        }
    }

    void add(const Command &c) {
        u32 side = c.side - BID;
        i64 key = key_of(side, c.price);
        if (!placed) place(c.price);
        if (ids[find(c.order_id)].slot)
            return report(REJECTED, c.side, DUPLICATE_ORDER_ID, c.order_id, 0, c.price, c.quantity);
        bool rests = c.time_in_force == GTC;
        report(ACCEPTED, c.side, rests ? NONE : NEVER_RESTS, c.order_id, 0, c.price, c.quantity);
        u64 left = match(side, c.order_id, key, c.quantity);
        if (!left) return;
        if (!rests) return report(CANCELLED, c.side, IOC_REMAINDER, c.order_id, 0, c.price, left);
        u32 slot = free_slot ? free_slot : fresh++;
        if (slot == free_slot) free_slot = orders[slot].next;
        orders[slot].id = c.order_id;
        ids[find(c.order_id)] = {tag_of(c.order_id), slot};
        resting++;
        append(slot, side, key, left);
    }

    u64 match(u32 side, u64 taker_id, i64 key, u64 quantity) {
        Side &other = sides[1 - side];
        while (quantity && !other.empty && other.best >= ~key) {
            i64 best = other.best;
            Level &level = other.at(best);
            u32 slot = level.head;
            while (slot && quantity) {
                Order &maker = orders[slot];
                u32 next = maker.next;
                __builtin_prefetch(&orders[next]);
                u64 size = quantity < maker.open ? quantity : maker.open;
                report(TRADE, side + BID, NONE, taker_id, maker.id, key_of(1 - side, best), size);
                quantity -= size;
                if (maker.open -= size) break;
                forget(slot);
                slot = next;
            }
            level.head = slot;
            if (slot) {
                orders[slot].prev = 0;
            } else {
                level.tail = 0;
                other.leave(best);
            }
        }
        return quantity;
    }

    void append(u32 slot, u32 side, i64 key, u64 quantity) {
        Level &level = sides[side].at(key);
        if (!level.head) sides[side].enter(key);
        Order &order = orders[slot];
        order = {order.id, quantity, key, 0, level.tail, side};
        (level.tail ? orders[level.tail].next : level.head) = slot;
        level.tail = slot;
    }

    void unlink(u32 slot) {
        Order &order = orders[slot];
        Level &level = sides[order.side].at(order.key);
        (order.prev ? orders[order.prev].next : level.head) = order.next;
        if (order.next) orders[order.next].prev = order.prev;
        else level.tail = order.prev;
        if (!level.head) sides[order.side].leave(order.key);
    }

    void remove(u32 slot) {
        unlink(slot);
        forget(slot);
    }

    void forget(u32 slot) {
        u32 gap = find(orders[slot].id);
        for (u32 i = (gap + 1) & mask; ids[i].slot; i = (i + 1) & mask) {  // later entries move up towards their home
            if (((i - ids[i].tag) & mask) < ((i - gap) & mask)) continue;
            ids[gap] = ids[i];
            gap = i;
        }
        ids[gap].slot = 0;
        orders[slot].next = free_slot;
        free_slot = slot;
        resting--;
    }

    u32 find(u64 order_id, bool only_tag = false) const {
        u32 tag = tag_of(order_id), i = tag & mask;
        while (ids[i].slot && (ids[i].tag != tag || (!only_tag && orders[ids[i].slot].id != order_id))) i = (i + 1) & mask;
        return i;
    }

    void place(i64 price) {
        placed = true;
        for (u32 side = 0; side < 2; side++) sides[side].first_key = i64(u64(key_of(side, price)) - NEAR / 2);
    }

    void report(u32 kind, u32 side, u32 reason, u64 order_id, u64 maker_id, i64 price, u64 quantity) {
        Report &r = *reports++;
        r.type = EXECUTION_REPORT;
        r.kind = kind, r.side = side, r.reason = reason, r.instrument = 0;
        r.seq_num = ++number;
        r.order_id = order_id, r.maker_id = maker_id;
        r.price = price, r.quantity = quantity;
    }

    static u32 tag_of(u64 order_id) { return u32(order_id * 0x9E3779B97F4A7C15ull >> 32); }
    static i64 key_of(u32 side, i64 price) { return side ? ~price : price; }
};

}  // namespace

extern "C" {
Book *book_open(u32 capacity) { return new Book(capacity); }
void book_close(Book *book) { delete book; }
u32 book_resting(const Book *book) { return book->resting; }
u64 book_run(Book *book, const Command *commands, u64 count, Report *reports) {
    return book->run(commands, count, reports);
}
}

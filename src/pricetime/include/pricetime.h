/* The C API of pricetime: records and function types. See docs/reference/c-api.md.
 *
 * The functions come as capsules in pricetime.core.c_api.__pyx_capi__, one under each name; each capsule's own name
 * is its C signature. Only open_books and close_books take the GIL, which they do themselves.
 * Little-endian, as everywhere in pricetime.
 */
#ifndef PRICETIME_H
#define PRICETIME_H

#include <stdint.h>

enum { PT_BID = 1, PT_ASK = 2 };
enum { PT_LIMIT = 0, PT_MARKET = 1, PT_MARKET_TO_LIMIT = 2, PT_STOP = 3, PT_STOP_LIMIT = 4 };
enum { PT_GTC = 0, PT_DAY = 1, PT_GTD = 2, PT_IOC = 3, PT_FOK = 4, PT_GFA = 5 };
enum { PT_POST_ONLY = 1, PT_AT_THE_OPEN = 2, PT_AT_THE_CLOSE = 4, PT_ALL_OR_NONE = 8, PT_EXTENDED = 128 };
                                                                                           /* bits of instructions */
enum {
    PT_NEW_ORDER = 1, PT_CANCEL_ORDER = 2, PT_REPLACE_ORDER = 3, PT_REDUCE_ORDER = 4, PT_REPLACE_ORDER_AS = 5,
    PT_MASS_CANCEL = 6, PT_GATEWAY_REJECT = 7, PT_SET_PHASE = 8, PT_CONTINUE = 9, PT_ORDER_EXTENSION = 11,
    PT_UNCROSS = 12, PT_INDICATE = 13, PT_EXPIRE = 14, PT_SET_PRICE = 15, PT_EXECUTION_REPORT = 16
};
enum {
    PT_ACCEPTED = 1, PT_TRADE = 2, PT_CANCELLED = 3, PT_REPLACED = 4, PT_REDUCED = 5, PT_EXPIRED = 6, PT_REJECTED = 7,
    PT_MASS_CANCELLED = 8, PT_PHASE_CHANGED = 9, PT_TRIGGERED = 12, PT_REFRESHED = 13, PT_INDICATIVE = 14,
    PT_UNCROSSED = 15, PT_AUCTION_TRADE = 16, PT_EXPIRY_DONE = 17, PT_PRICE_SET = 18, PT_HIDDEN = 19
};
enum {
    PT_CONTINUOUS = 0, PT_HALTED = 1, PT_CLOSED = 2, PT_PRE_OPEN = 3, PT_OPENING_AUCTION = 4,
    PT_VOLATILITY_AUCTION = 5, PT_CLOSING_AUCTION = 6
};
enum { PT_REFERENCE = 1, PT_LAST = 2, PT_LOW = 3, PT_HIGH = 4 };  /* flags of PT_SET_PRICE */
#define PT_ALL_INSTRUMENTS 0xFFFFFFFFu

#pragma pack(push, 1)
typedef struct {                /* 64 bytes, pricetime.COMMAND */
    uint64_t sequence;
    uint64_t timestamp;         /* ns */
    uint32_t session;
    uint16_t length;
    uint8_t order_type;
    uint8_t instructions;
    uint8_t type;
    uint8_t side;
    uint8_t time_in_force;
    uint8_t flags;              /* bits 0 to 2: self-trade mode, 0 for the default; other bits 0. Mass cancel and
                                   gateway reject: the reason. PT_SET_PHASE, PT_UNCROSS: the phase. PT_SET_PRICE:
                                   which price */
    uint32_t instrument;
    uint64_t order_id;
    int64_t price;              /* ticks */
    uint64_t quantity;          /* lots; of a mass cancel: bits, 1 << time in force, of the orders that it keeps */
    uint32_t owner;
    uint32_t tag;
} pt_command;

typedef struct {                /* 64 bytes, pricetime.types.ORDER_EXTENSION: follows a command with PT_EXTENDED */
    uint64_t sequence;
    uint64_t timestamp;
    uint32_t session;
    uint16_t length;
    uint16_t zero;
    uint8_t type;
    uint8_t zero2;
    uint16_t zero3;
    uint32_t protection;        /* ticks */
    int64_t trigger_price;      /* ticks */
    uint64_t display_quantity;  /* lots */
    uint64_t expiry_ns;
    uint64_t minimum_quantity;  /* lots */
} pt_order_extension;

typedef struct {                /* 48 bytes, pricetime.REPORT */
    uint8_t type;
    uint8_t kind;
    uint8_t side;
    uint8_t reason;
    uint32_t instrument;
    uint64_t seq_num;
    uint64_t order_id;
    uint64_t maker_id;
    int64_t price;              /* ticks */
    uint64_t quantity;          /* lots */
} pt_report;
#pragma pack(pop)

/* Makes empty books for the instruments 0 .. instruments-1 over one pool; NULL if that is impossible. */
typedef void *(*pt_open_books)(uint32_t instruments, unsigned long long capacity, unsigned long long level_capacity);
typedef void (*pt_close_books)(void *books);

/* Most reports that the next count commands can make, but for icebergs among them. */
typedef unsigned long long (*pt_report_bound)(void *books, unsigned long long count);

/* Executes commands in order: number of reports; -1 with nothing executed if room is below the bound. */
typedef long long (*pt_run_commands)(void *books, const pt_command *commands, unsigned long long count,
                                     pt_report *reports, unsigned long long room);

/* How many of the last run's commands were not executed, because an iceberg could make more reports than fit: take the
 * reports, and run these with the room that report_bound says then. Always 0 if no order has a display quantity. */
typedef unsigned long long (*pt_commands_left)(void *books);

/* 1, and writes the best price of a side; 0 if the side is empty. */
typedef int (*pt_best_price)(void *books, uint32_t instrument, uint32_t side, long long *price);

/* Writes the best levels of a side, with what they display, into three arrays of `levels` entries: number of levels written. */
typedef unsigned long long (*pt_depth)(void *books, uint32_t instrument, uint32_t side, unsigned long long levels,
                                       long long *prices, unsigned long long *quantities, uint32_t *counts);

typedef unsigned long long (*pt_resting_orders)(void *books);  /* and waiting ones */
typedef unsigned long long (*pt_digest)(void *books, uint32_t instrument);

#endif

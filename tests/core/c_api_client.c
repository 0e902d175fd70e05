/* A caller of the C API that knows nothing of Python: what test_c_api.py compiles and runs. */
#include <stdlib.h>
#include <string.h>

#include "pricetime.h"

_Static_assert(sizeof(pt_command) == 64, "a command has 64 bytes");
_Static_assert(sizeof(pt_order_extension) == 64, "an extension has 64 bytes");
_Static_assert(sizeof(pt_report) == 48, "a report has 48 bytes");

typedef struct {
    pt_open_books open_books;
    pt_close_books close_books;
    pt_report_bound report_bound;
    pt_run_commands run_commands;
    pt_best_price best_price;
    pt_depth depth;
    pt_resting_orders resting_orders;
    pt_digest digest;
    pt_commands_left commands_left;
} c_api;

static pt_command limit_order(uint64_t id, uint8_t side, int64_t price, uint64_t quantity) {
    pt_command c;
    memset(&c, 0, sizeof c);
    c.type = PT_NEW_ORDER;
    c.side = side;
    c.order_id = id;
    c.price = price;
    c.quantity = quantity;
    return c;
}

/* Two asks, one bid through both of them: 0 when everything was as it must be, else the number of the step. */
int play(const c_api *d, unsigned long long *digest) {
    void *books = d->open_books(1, 1000, 1000);
    if (!books) return 1;
    pt_command commands[3] = {
        limit_order(1, PT_ASK, 100, 5), limit_order(2, PT_ASK, 101, 5), limit_order(3, PT_BID, 101, 12)};
    unsigned long long room = d->report_bound(books, 3);
    pt_report *reports = calloc(room, sizeof *reports);
    long long price = 0, prices[4];
    unsigned long long quantities[4];
    uint32_t counts[4];
    int step = 0;
    if (d->run_commands(books, commands, 3, reports, room - 1) != -1) step = 2;
    else if (d->resting_orders(books) != 0) step = 3;
    else if (d->run_commands(books, commands, 3, reports, room) != 5) step = 4;
    else if (reports[3].kind != PT_TRADE || reports[3].maker_id != 1 || reports[3].quantity != 5) step = 5;
    else if (reports[4].maker_id != 2 || reports[4].price != 101 || reports[4].seq_num != 5) step = 6;
    else if (d->best_price(books, 0, PT_ASK, &price)) step = 7;
    else if (!d->best_price(books, 0, PT_BID, &price) || price != 101) step = 8;
    else if (d->depth(books, 0, PT_BID, 4, prices, quantities, counts) != 1) step = 9;
    else if (prices[0] != 101 || quantities[0] != 2 || counts[0] != 1) step = 10;
    else if (d->resting_orders(books) != 1) step = 11;
    *digest = d->digest(books, 0);
    free(reports);
    d->close_books(books);
    return step;
}

/* The command that follows an order with PT_EXTENDED. */
static pt_command extension(int64_t trigger_price, uint64_t display_quantity) {
    pt_order_extension more;
    pt_command c;
    memset(&more, 0, sizeof more);
    more.type = PT_ORDER_EXTENSION;
    more.trigger_price = trigger_price;
    more.display_quantity = display_quantity;
    memcpy(&c, &more, sizeof c);
    return c;
}

static pt_command of_instrument(uint8_t type, uint8_t flags) {
    pt_command c;
    memset(&c, 0, sizeof c);
    c.type = type;
    c.flags = flags;
    return c;
}

/* Runs commands with the room of the bound, in parts if an iceberg needs more: number of reports, -1 if it fails. */
static long long run(const c_api *d, void *books, const pt_command *commands, unsigned long long count, int *parts) {
    unsigned long long left = count;
    long long made = 0;
    *parts = 0;
    do {
        unsigned long long room = d->report_bound(books, left);
        pt_report *reports = calloc(room, sizeof *reports);
        long long found = d->run_commands(books, commands + count - left, left, reports, room);
        free(reports);
        if (found < 0) return -1;
        made += found;
        *parts += 1;
        left = d->commands_left(books);
    } while (left);
    return made;
}

/* An auction, a stop order and an iceberg: 0 when everything was as it must be, else the number of the step. */
int play_a_venue(const c_api *d) {
    void *books = d->open_books(1, 1000, 1000);
    if (!books) return 1;
    pt_command stop = limit_order(3, PT_BID, 103, 5), iceberg = limit_order(4, PT_ASK, 102, 5000);
    stop.order_type = PT_STOP_LIMIT;
    stop.instructions = iceberg.instructions = PT_EXTENDED;
    pt_command commands[10] = {
        of_instrument(PT_SET_PHASE, PT_OPENING_AUCTION), limit_order(1, PT_ASK, 100, 5), limit_order(2, PT_BID, 101, 7),
        of_instrument(PT_INDICATE, 0), of_instrument(PT_UNCROSS, PT_CONTINUOUS), stop, extension(102, 0), iceberg,
        extension(0, 5), limit_order(5, PT_BID, 102, 7)};
    long long prices[4];
    unsigned long long quantities[4];
    uint32_t counts[4];
    int step = 0, parts = 0;
    /* 1 of the phase, 2 orders, 1 indicative price; 3 of the uncross; 1 stop; 1 iceberg; then accepted, a trade, a
     * refresh, a trade; triggered, two trades and a refresh */
    if (run(d, books, commands, 10, &parts) != 17) step = 2;
    else if (parts != 2) step = 3;
    else if (d->resting_orders(books) != 2) step = 4;
    else if (d->depth(books, 0, PT_ASK, 4, prices, quantities, counts) != 1 || quantities[0] != 3) step = 5;
    d->close_books(books);
    return step;
}

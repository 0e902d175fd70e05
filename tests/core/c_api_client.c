/* A caller of the C API that knows nothing of Python: what test_c_api.py compiles and runs. */
#include <stdlib.h>
#include <string.h>

#include "pricetime.h"

_Static_assert(sizeof(pt_command) == 64, "a command has 64 bytes");
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

/* A program that is no Python and loads an engine, as the harness of the public benchmark does: messages of a file one
 * after the other, answers over the engine's transport or over one of this program, questions after each message.
 *
 *     engine_client LIBRARY MESSAGES ANSWERS QUESTIONS own|other CAPACITY
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { uint64_t order_id, sequence; int64_t price; uint32_t quantity; uint8_t side, ioc, zero[2]; } new_order;
typedef struct { uint64_t order_id, sequence; } cancel;
typedef struct { uint64_t order_id, sequence; int64_t price; uint32_t quantity; uint8_t side, zero[3]; } modify;
typedef struct { uint8_t type, zero[7]; union { new_order order; cancel cancel; modify modify; } body; } message;
typedef struct { uint8_t bytes[64]; } answer;
typedef struct { int64_t bid, ask; uint64_t quantity; } question;
typedef struct {
    void *(*create)(uint32_t);
    int (*push)(void *, const answer *);
    uint32_t (*drain)(void *, answer *, uint32_t);
    void (*flush)(void *);
    void (*destroy)(void *);
} transport;

_Static_assert(sizeof(message) == 40, "a message has 40 bytes");

static void *library;
static FILE *answers;
static const transport *used;
static void *queue;
static atomic_int ended;

static void *function(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return found;
}

/* A transport of this program: straight into the file, and full every other time it is asked. */
static void *other_create(uint32_t capacity) { (void)capacity; return &ended; }
static int other_push(void *handle, const answer *one) {
    static int turn;
    (void)handle;
    return ++turn % 2 ? 0 : fwrite(one, sizeof *one, 1, answers) == 1;
}
static uint32_t other_drain(void *handle, answer *out, uint32_t most) { (void)handle; (void)out; (void)most; return 0; }
static void other_flush(void *handle) { (void)handle; }
static const transport OTHER = {other_create, other_push, other_drain, other_flush, other_flush};

/* Takes answers until the last message is done, and then what is left. */
static void *drain(void *nothing) {
    answer some[7];
    for (;;) {
        int last = atomic_load(&ended);
        uint32_t count = used->drain(queue, some, 7);
        fwrite(some, sizeof *some, count, answers);
        if (count == 0 && last) return nothing;
    }
}

int main(int argc, char **argv) {
    if (argc != 7 || !(library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL))) {
        fprintf(stderr, "%s\n", argc != 7 ? "six arguments, please" : dlerror());
        return 1;
    }
    FILE *messages = fopen(argv[2], "rb"), *questions = fopen(argv[4], "wb");
    answers = fopen(argv[3], "wb");
    if (!messages || !questions || !answers) return 1;

    const transport *(*get_transport)(void) = function("engine_get_transport");
    void (*init)(uint64_t, const transport *, void *) = function("engine_init");
    void (*on_new_order)(const new_order *) = function("engine_on_new_order");
    void (*on_cancel)(const cancel *) = function("engine_on_cancel");
    void (*on_modify)(const modify *) = function("engine_on_modify");
    void (*flush)(void) = function("engine_flush"), (*shutdown)(void) = function("engine_shutdown");
    int64_t (*best_bid)(void) = function("engine_query_best_bid"), (*best_ask)(void) = function("engine_query_best_ask");
    uint64_t (*depth_at)(int64_t, uint8_t) = function("engine_query_depth_at");

    used = strcmp(argv[5], "own") ? &OTHER : get_transport();
    queue = used->create((uint32_t)atoi(argv[6]));
    if (!queue) return 1;
    pthread_t drainer;
    if (used != &OTHER && pthread_create(&drainer, NULL, drain, NULL)) return 1;
    init(42, used, queue);

    message m;
    while (fread(&m, sizeof m, 1, messages) == 1) {
        if (m.type == 0) on_new_order(&m.body.order);
        else if (m.type == 1) on_cancel(&m.body.cancel);
        else on_modify(&m.body.modify);
        question q = {best_bid(), best_ask(), depth_at(m.body.order.price, m.body.order.side)};
        fwrite(&q, sizeof q, 1, questions);
    }
    flush();
    used->flush(queue);
    atomic_store(&ended, 1);
    if (used != &OTHER) pthread_join(drainer, NULL);
    shutdown();
    used->destroy(queue);
    dlclose(library);
    return fclose(answers) || fclose(questions);
}

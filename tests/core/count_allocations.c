/* Counts what the process asks of the heap and of the system, and which thread did: preloaded by tests/counting.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define THREADS 1024

static unsigned long long count;
static struct {
    pid_t number;
    unsigned long long count;
} threads[THREADS];
static unsigned taken;
static __thread unsigned own __attribute__((tls_model("initial-exec"))); /* place among the threads, and one */

unsigned long long allocations(void) { return __atomic_load_n(&count, __ATOMIC_SEQ_CST); }

/* Of the thread that the system knows by this number, the newest that had it; 0 when it never asked for anything. */
unsigned long long allocations_of(pid_t number) {
    unsigned place = __atomic_load_n(&taken, __ATOMIC_SEQ_CST);
    for (place = place < THREADS ? place : THREADS; place > 0; place--)
        if (threads[place - 1].number == number) return __atomic_load_n(&threads[place - 1].count, __ATOMIC_SEQ_CST);
    return 0;
}

static void note(void) {
    __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    if (own == 0) {
        own = 1 + __atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
        if (own <= THREADS) threads[own - 1].number = (pid_t)syscall(SYS_gettid);
    }
    if (own <= THREADS) __atomic_add_fetch(&threads[own - 1].count, 1, __ATOMIC_SEQ_CST);
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t n) { note(); return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { note(); return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { note(); return __libc_realloc(p, n); }
void *memalign(size_t a, size_t n) { note(); return __libc_memalign(a, n); }
void *aligned_alloc(size_t a, size_t n) { note(); return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { note(); *p = __libc_memalign(a, n); return *p ? 0 : 12; }

void *mmap(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    note();
    if (!real) real = (void *(*)(void *, size_t, int, int, int, off_t))next("mmap");
    return real(at, n, protection, flags, file, offset);
}

void *mmap64(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    return mmap(at, n, protection, flags, file, offset);
}

void *mremap(void *at, size_t old, size_t n, int flags, ...) {
    static void *(*real)(void *, size_t, size_t, int, void *);
    va_list more;
    va_start(more, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    note();
    if (!real) real = (void *(*)(void *, size_t, size_t, int, void *))next("mremap");
    return real(at, old, n, flags, to);
}

/* Counts what the process asks of the heap and of the system: preloaded by test_allocations.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

static unsigned long long count;

unsigned long long allocations(void) { return __atomic_load_n(&count, __ATOMIC_SEQ_CST); }

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

#define COUNT __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST)

void *malloc(size_t n) { COUNT; return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { COUNT; return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { COUNT; return __libc_realloc(p, n); }
void *memalign(size_t a, size_t n) { COUNT; return __libc_memalign(a, n); }
void *aligned_alloc(size_t a, size_t n) { COUNT; return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { COUNT; *p = __libc_memalign(a, n); return *p ? 0 : 12; }

void *mmap(void *at, size_t n, int protection, int flags, int file, off_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    COUNT;
    if (!real) real = (void *(*)(void *, size_t, int, int, int, off_t))next("mmap");
    return real(at, n, protection, flags, file, offset);
}

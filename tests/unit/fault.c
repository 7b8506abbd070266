/*
 * Allocations that fail when told to. Every unit test is linked with this, and with the linker's
 * --wrap for each function here: what was foo() calls __wrap_foo(), and __real_foo() is the C
 * library's, or a sanitizer's.
 */
#include "fault.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static atomic_int remaining = -1; /* until the one that fails; below 0: none will */
static atomic_bool happened;

bool fault_next(int nth) {
    bool more = nth == 0 || happened;
    happened = false;
    remaining = more ? nth : -1;
    return more;
}

bool fault_happened(void) {
    return happened;
}

static bool fails(void) {
    if (remaining < 0)
        return false;
    bool now = atomic_fetch_sub(&remaining, 1) == 0;
    if (now)
        happened = true;
    return now;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text) {
    return fails() ? NULL : __real_strdup(text);
}

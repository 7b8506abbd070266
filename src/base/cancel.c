/* base: the object that ends blocking calls. */
#include "base/error.h"
#include "base/event.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sl_cancel {
    atomic_bool triggered;
    sl_event event; /* set once, never cleared */
};

int sl_cancel_open(sl_cancel **cancel) {
    *cancel = NULL;
    sl_cancel *made = malloc(sizeof(*made));
    if (!made)
        return sl_fail_memory();
    atomic_init(&made->triggered, false);
    int code = sl_event_init(&made->event);
    if (code < 0) {
        free(made);
        return code;
    }
    *cancel = made;
    return SL_OK;
}

void sl_cancel_trigger(sl_cancel *cancel) {
    atomic_store(&cancel->triggered, true);
    sl_event_set(&cancel->event);
}

bool sl_cancel_triggered(const sl_cancel *cancel) {
    return cancel && atomic_load(&cancel->triggered);
}

int sl_cancel_fd(const sl_cancel *cancel) {
    return cancel ? cancel->event.fd : -1;
}

void sl_cancel_close(sl_cancel **cancel) {
    if (!*cancel)
        return;
    sl_event_finish(&(*cancel)->event);
    free(*cancel);
    *cancel = NULL;
}

/* stream: what a receiver's replies carry. */
#include "stream/answer.h"

#include "base/error.h"
#include "base/text.h"
#include "frame/frame.h"

void sl_answer_init(sl_answer *answer) {
    *answer = (sl_answer){0};
    pthread_mutex_init(&answer->lock, NULL);
}

static void release(sl_buffer *parts[2]) {
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
}

/* Takes the parts over, the second of which may be NULL. */
static void replace(sl_answer *answer, sl_buffer *parts[2]) {
    sl_buffer *before[2];
    pthread_mutex_lock(&answer->lock);
    for (int i = 0; i < 2; i++) {
        before[i] = answer->parts[i];
        answer->parts[i] = parts[i];
    }
    answer->count = parts[1] ? 2 : 1;
    pthread_mutex_unlock(&answer->lock);
    release(before);
}

int sl_answer_be_plain(sl_answer *answer, const char *device) {
    sl_buffer *parts[2] = {NULL, NULL};
    int result = sl_netgear_write_reply(device, &parts[0]);
    if (!result)
        replace(answer, parts);
    return result;
}

int sl_answer_carry(sl_answer *answer, const char *port) {
    sl_text_copy(answer->port, port ? port : "", sizeof answer->port);
    return sl_answer_set(answer, NULL, NULL);
}

int sl_answer_set(sl_answer *answer, const char *json, const sl_frame *coded) {
    const char *port = *answer->port ? answer->port : NULL;
    sl_buffer *parts[2] = {NULL, NULL};
    int result = coded ? sl_netgear_write_array(port, coded, &parts[0])
                       : sl_netgear_write_data(port, json, &parts[0]);
    if (!result && coded)
        result = sl_frame_bytes(coded, &parts[1]);
    if (result)
        release(parts);
    else
        replace(answer, parts);
    return result;
}

size_t sl_answer_get(sl_answer *answer, sl_buffer *parts[2]) {
    pthread_mutex_lock(&answer->lock);
    size_t count = answer->count;
    for (int i = 0; i < 2; i++)
        parts[i] = sl_buffer_ref(answer->parts[i]);
    pthread_mutex_unlock(&answer->lock);
    return count;
}

void sl_answer_finish(sl_answer *answer) {
    release(answer->parts);
    pthread_mutex_destroy(&answer->lock);
}

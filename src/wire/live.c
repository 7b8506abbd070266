/*
 * The live pattern's messages. What is read comes from a peer who may be hostile: each field is
 * held to its bounds. Called by the stream room.
 */
#include "wire/live.h"

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define MARK      "SLL"
#define MARK_SIZE (sizeof MARK - 1)

#define TIME_MAX  (INT64_C(1) << 53) /* a double holds it, and sums of some don't overflow */
#define FRAME_MAX ((uint32_t)64 * 1024 * 1024) /* bytes; far beyond any real one */

/* One number of a message, on the wire and in memory. */
struct field {
    size_t bytes;
    size_t offset;
    size_t size;
};

#define FIELD(bytes, member)                                                                       \
    { bytes, offsetof(sl_live_message, member), sizeof((sl_live_message){0}.member) }

enum tail { NOTHING, TEXT, DATA };

struct layout {
    sl_live_kind kind;
    struct field fields[13]; /* in this order behind the kind; the first of no bytes ends them */
    enum tail tail;
    size_t least, most; /* bytes of the tail */
};

static const struct layout layouts[] = {
    {SL_LIVE_HELLO,
     {FIELD(1, lowest), FIELD(1, highest), FIELD(2, codecs), FIELD(4, session), FIELD(8, sent_us),
      FIELD(8, camera)},
     TEXT,
     0,
     SL_LIVE_NAME_MAX},
    {SL_LIVE_WELCOME,
     {FIELD(1, lowest), FIELD(1, highest), FIELD(2, codecs), FIELD(4, session), FIELD(8, sent_us),
      FIELD(8, now_us)},
     NOTHING,
     0,
     0},
    {SL_LIVE_REFUSAL, {FIELD(1, lowest), FIELD(1, highest)}, TEXT, 0, SL_LIVE_WHY_MAX},
    {SL_LIVE_CHUNK,
     {FIELD(1, codec), FIELD(1, flags), FIELD(2, epoch), FIELD(4, session), FIELD(4, sequence),
      FIELD(4, offset), FIELD(4, total), FIELD(8, sent_us), FIELD(8, captured_us),
      FIELD(8, clock_us), FIELD(2, width), FIELD(2, height)},
     DATA,
     1,
     SL_LIVE_CHUNK_MAX},
    {SL_LIVE_ACK,
     {FIELD(1, flags), FIELD(4, session), FIELD(2, epoch), FIELD(4, sequence), FIELD(4, offset),
      FIELD(8, bytes), FIELD(8, sent_us), FIELD(8, now_us), FIELD(4, shown),
      FIELD(4, shown_age_us)},
     NOTHING,
     0,
     0},
    {SL_LIVE_PING, {FIELD(4, session), FIELD(8, sent_us)}, NOTHING, 0, 0},
    {SL_LIVE_PONG,
     {FIELD(1, flags), FIELD(4, session), FIELD(8, sent_us), FIELD(8, now_us), FIELD(8, bytes)},
     NOTHING,
     0,
     0},
    {SL_LIVE_VIEW, {FIELD(1, flags), FIELD(4, session)}, NOTHING, 0, 0},
    {SL_LIVE_LOSS,
     {FIELD(1, flags), FIELD(4, session), FIELD(8, lost_us)},
     TEXT,
     0,
     SL_LIVE_WHY_MAX},
    {SL_LIVE_END, {FIELD(4, session)}, NOTHING, 0, 0},
};

static const struct layout *find_layout(unsigned kind) {
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (layouts[i].kind == kind)
            return &layouts[i];
    }
    return NULL;
}

static uint64_t load(const sl_live_message *message, const struct field *field) {
    const void *member = (const char *)message + field->offset;
    switch (field->size) {
    case 1:
        return *(const uint8_t *)member;
    case 2:
        return *(const uint16_t *)member;
    case 4:
        return *(const uint32_t *)member;
    default:
        return *(const uint64_t *)member;
    }
}

static void store(sl_live_message *message, const struct field *field, uint64_t value) {
    void *member = (char *)message + field->offset;
    switch (field->size) {
    case 1:
        *(uint8_t *)member = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)member = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)member = (uint32_t)value;
        break;
    default:
        *(uint64_t *)member = value;
    }
}

static size_t head_size(const struct layout *layout) {
    size_t size = MARK_SIZE + 1;
    for (const struct field *field = layout->fields; field->bytes; field++)
        size += field->bytes;
    return size;
}

static bool is_time(int64_t time_us) {
    return time_us >= 0 && time_us < TIME_MAX;
}

static int check_times(const sl_live_message *message) {
    int64_t clock_us = message->clock_us;
    if (is_time(message->sent_us) && is_time(message->now_us) && is_time(message->captured_us) &&
        is_time(message->lost_us) &&
        (clock_us == SL_LIVE_NO_CLOCK || (clock_us > -TIME_MAX && clock_us < TIME_MAX)))
        return SL_OK;
    return sl_fail(SL_EMESSAGE, "a live message '%c' is refused: it tells an absurd time",
                   message->kind);
}

static int check_chunk(const sl_live_message *message) {
    if (message->codec >= SL_LIVE_CODECS)
        return sl_fail(SL_EMESSAGE, "a chunk is refused: there is no codec %d", message->codec);
    if (message->total > FRAME_MAX)
        return sl_fail(SL_EMESSAGE, "a chunk is refused: its frame has %u bytes, more than %u",
                       message->total, FRAME_MAX);
    if (message->offset > message->total || message->size > message->total - message->offset)
        return sl_fail(SL_EMESSAGE, "a chunk is refused: it ends %u + %zu bytes into a frame of %u",
                       message->offset, message->size, message->total);
    if ((message->width == 0) != (message->height == 0))
        return sl_fail(SL_EMESSAGE, "a chunk is refused: no picture has %ux%u pixels",
                       (unsigned)message->width, (unsigned)message->height);
    return SL_OK;
}

/* A name goes into JSON and onto screens as it is, all of it. */
static int check_text(sl_live_message *message, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (message->text[i] == '\0')
            message->text[i] = '?';
    }
    sl_text_harmless(message->text);
    if (message->kind == SL_LIVE_HELLO && strpbrk(message->text, "\"\\"))
        return sl_fail(SL_EMESSAGE, "a hello is refused: its name has a quote or a backslash");
    return SL_OK;
}

int sl_live_check_name(const char *name) {
    char harmless[SL_LIVE_NAME_MAX + 1];
    size_t length = strlen(name);
    if (length == 0 || length > SL_LIVE_NAME_MAX)
        return sl_fail(SL_EINVAL, "a camera's name has 1 to %d bytes, not %zu; choose another name",
                       SL_LIVE_NAME_MAX, length);
    memcpy(harmless, name, length + 1);
    sl_text_harmless(harmless);
    if (strcmp(harmless, name) != 0 || strpbrk(name, "\"\\"))
        return sl_fail(SL_EINVAL,
                       "a camera's name is UTF-8 without quotes, backslashes and control "
                       "characters; choose another name");
    return SL_OK;
}

int sl_live_write(const sl_live_message *message, sl_buffer **bytes) {
    const struct layout *layout = find_layout(message->kind);
    size_t head = head_size(layout);
    size_t size = layout->tail == TEXT ? strlen(message->text) : message->size;
    const void *tail = layout->tail == TEXT ? (const void *)message->text : message->data;
    if (layout->tail == NOTHING)
        size = 0;
    if (size < layout->least || size > layout->most)
        return sl_fail(SL_EINVAL, "a live message '%c' can't carry %zu bytes", message->kind, size);
    int result = sl_buffer_new(bytes, head + size);
    if (result)
        return result;
    uint8_t *at = (*bytes)->data;
    memcpy(at, MARK, MARK_SIZE);
    at[MARK_SIZE] = (uint8_t)message->kind;
    at += MARK_SIZE + 1;
    for (const struct field *field = layout->fields; field->bytes; field++) {
        uint64_t value = load(message, field);
        for (size_t left = field->bytes; left > 0; left--)
            *at++ = (uint8_t)(value >> (8 * (left - 1)));
    }
    if (size > 0)
        memcpy(at, tail, size);
    return SL_OK;
}

static const uint8_t *read_fields(const struct layout *layout, const uint8_t *at,
                                  sl_live_message *message) {
    for (const struct field *field = layout->fields; field->bytes; field++) {
        uint64_t value = 0;
        for (size_t i = 0; i < field->bytes; i++)
            value = value << 8 | *at++;
        store(message, field, value);
    }
    return at;
}

int sl_live_read(sl_buffer *const *parts, size_t count, sl_live_message *message) {
    *message = (sl_live_message){0};
    if (count != 1)
        return sl_fail(SL_EMESSAGE, "a message of %zu parts is not of the live pattern", count);
    const sl_buffer *bytes = parts[0];
    if (bytes->size <= MARK_SIZE || memcmp(bytes->data, MARK, MARK_SIZE) != 0)
        return sl_fail(SL_EMESSAGE, "a message is not of the live pattern");
    const struct layout *layout = find_layout(bytes->data[MARK_SIZE]);
    if (!layout)
        return sl_fail(SL_EMESSAGE, "there is no live message of kind %d", bytes->data[MARK_SIZE]);
    size_t head = head_size(layout);
    if (bytes->size < head + layout->least || bytes->size > head + layout->most)
        return sl_fail(SL_EMESSAGE, "a live message '%c' can't have %zu bytes", layout->kind,
                       bytes->size);
    const uint8_t *tail = read_fields(layout, bytes->data + MARK_SIZE + 1, message);
    message->kind = layout->kind;
    size_t size = bytes->size - head;
    int result = check_times(message);
    if (result)
        return result;
    if (layout->tail == TEXT) {
        memcpy(message->text, tail, size); /* it was zero behind that */
        return check_text(message, size);
    }
    message->data = tail;
    message->size = size;
    return layout->tail == DATA ? check_chunk(message) : SL_OK;
}

/* sink/web: one browser's stream, of frames, pictures or news. Used by server.c, on the server's
 * thread.
 *
 * A frame goes to as many browsers as there are from the same memory. One stream may carry several
 * cameras, which take turns: browsers open few connections. One who can't take more has a
 * part of one frame before him and nothing else: which comes next is decided when he has that. */
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "sink/web/server.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES   ((size_t)32 * 1024)
#define MULTIPART     "multipart/x-mixed-replace; boundary="
#define BOUNDARY_MAX  33
#define LIFE_US       SL_SECOND_US        /* between signs of life where no frame comes */
#define AGAIN_US      (10 * SL_SECOND_US) /* after which a picture is repeated instead */
#define FRESH_NEWS_US (SL_SECOND_US / 4)

typedef struct stream {
    sl_web *web;
    sl_web_reading reading;
    char head[256]; /* goes before the bytes */
    size_t head_size;
    sl_buffer *bytes;            /* or NULL */
    const char *tail;            /* and behind them */
    char boundary[BOUNDARY_MAX]; /* between pictures */
    char part_end[BOUNDARY_MAX + 8];
    size_t at;       /* of the three together, what has gone */
    int64_t said_us; /* when the last began */
    size_t turn, count;
    sl_web_reader readers[];
} stream;

/* docs/WEB.md draws it. */
static void write_record(stream *to, const sl_web_piece *piece, unsigned place) {
    uint8_t *head = (uint8_t *)to->head;
    uint32_t size = htobe32(piece->bytes ? (uint32_t)piece->bytes->size : 0);
    uint16_t sides[3] = {htobe16((uint16_t)piece->width), htobe16((uint16_t)piece->height),
                         htobe16((uint16_t)place)};
    uint64_t captured = htobe64((uint64_t)piece->captured_us);
    uint64_t sequence = htobe64(piece->sequence);
    memset(head, 0, 28);
    memcpy(head, &size, 4);
    head[4] = (uint8_t)piece->kind;
    head[5] = piece->keyframe;
    memcpy(head + 6, sides, sizeof(sides));
    memcpy(head + 12, &captured, 8);
    memcpy(head + 20, &sequence, 8);
    to->head_size = 28;
    to->tail = "";
}

static void write_part(stream *to, const sl_web_piece *piece) {
    to->head_size = (size_t)snprintf(
        to->head, sizeof(to->head),
        "Content-Type: image/jpeg\r\nContent-Length: %zu\r\nX-Timestamp: %" PRId64 ".%06d\r\n\r\n",
        piece->bytes->size, piece->captured_us / SL_SECOND_US,
        (int)(piece->captured_us % SL_SECOND_US));
    to->tail = to->part_end;
}

/* Takes the piece's reference. */
static void begin(stream *to, const sl_web_piece *piece, unsigned place) {
    if (to->reading == SL_WEB_READS_FRAMES)
        write_record(to, piece, place);
    else if (to->reading == SL_WEB_READS_PICTURES)
        write_part(to, piece);
    else
        to->head_size = 0, to->tail = "";
    sl_buffer_unref(&to->bytes);
    to->bytes = piece->bytes;
    to->at = 0;
    to->said_us = sl_now_us();
}

/* The next piece of whichever camera has one, beginning with the one whose turn it is. */
static bool find_next(stream *to, sl_web_piece *piece, unsigned *place) {
    for (size_t i = 0; i < to->count; i++) {
        sl_web_reader *reader = &to->readers[to->turn];
        to->turn = (to->turn + 1) % to->count;
        *place = reader->place;
        if (sl_web_hub_next(reader, piece))
            return true;
    }
    return false;
}

/* Whether there is something to say: a frame, or that there is none. */
static bool begin_next(stream *to) {
    sl_web_piece piece = {.kind = SL_WEB_NO_FRAME};
    unsigned place = 0;
    int64_t silent_us = sl_now_us() - to->said_us;
    bool found = find_next(to, &piece, &place);
    if (!found && to->reading == SL_WEB_READS_FRAMES)
        found = silent_us >= LIFE_US;
    else if (!found && to->reading == SL_WEB_READS_PICTURES)
        found = silent_us >= AGAIN_US && sl_web_hub_newest(to->readers, &piece);
    if (found)
        begin(to, &piece, place);
    return found;
}

/* Copies what of `size` bytes at `from`, which come `before` bytes into the whole, has not gone. */
static size_t copy(stream *to, const void *from, size_t size, size_t before, char *buffer,
                   size_t room) {
    size_t done = to->at - before;
    if (to->at < before || done >= size)
        return 0;
    size_t more = size - done < room ? size - done : room;
    memcpy(buffer, (const char *)from + done, more);
    to->at += more;
    return more;
}

static size_t go_on(stream *to, char *buffer, size_t room) {
    size_t size = to->bytes ? to->bytes->size : 0;
    size_t used = copy(to, to->head, to->head_size, 0, buffer, room);
    if (to->bytes)
        used += copy(to, to->bytes->data, size, to->head_size, buffer + used, room - used);
    return used +
           copy(to, to->tail, strlen(to->tail), to->head_size + size, buffer + used, room - used);
}

static ssize_t read_stream(void *user, uint64_t position, char *buffer, size_t room) {
    (void)position;
    stream *to = user;
    size_t used = go_on(to, buffer, room);
    while (used < room && begin_next(to))
        used += go_on(to, buffer + used, room - used);
    atomic_fetch_add(&to->web->sent_bytes, used);
    if (used > 0)
        return (ssize_t)used;
    return sl_web_hub_rest(to->readers, to->count) == SL_EEND ? MHD_CONTENT_READER_END_OF_STREAM
                                                              : 0;
}

static void end_stream(void *user) {
    stream *to = user;
    while (to->count > 0)
        sl_web_hub_leave(&to->readers[--to->count]);
    sl_buffer_unref(&to->bytes);
    free(to);
}

static const struct sort {
    sl_web_reading reading;
    const char *type, *opening;
} sorts[] = {
    [SL_WEB_EVENTS] = {SL_WEB_READS_NEWS, "text/event-stream", "retry: 1000\n\n"},
    [SL_WEB_STREAM_PICTURES] = {SL_WEB_READS_PICTURES, MULTIPART, ""},
    [SL_WEB_STREAM_FRAMES] = {SL_WEB_READS_FRAMES, "application/vnd.sightline.frames", ""},
    [SL_WEB_STREAM_SEVERAL] = {SL_WEB_READS_FRAMES, "application/vnd.sightline.frames", ""},
};

/* What stands between pictures is another for each stream: a camera that knew it could have a part
 * of its own in a JPEG, which some browser takes for whatever it says that it is. */
static void choose_boundary(stream *begun) {
    uint64_t number[2];
    sl_random(number, sizeof(number));
    snprintf(begun->boundary, sizeof(begun->boundary), "%016" PRIx64 "%016" PRIx64, number[0],
             number[1]);
    snprintf(begun->part_end, sizeof(begun->part_end), "\r\n--%s\r\n", begun->boundary);
}

static void open_stream(stream *begun, const struct sort *sort) {
    const char *opening = sort->opening;
    begun->reading = sort->reading;
    begun->tail = "";
    begun->said_us = sl_now_us();
    if (sort->reading == SL_WEB_READS_PICTURES) {
        choose_boundary(begun);
        opening = begun->part_end + strlen("\r\n");
    }
    begun->head_size = strlen(opening);
    memcpy(begun->head, opening, begun->head_size);
}

/* Without cameras it reads news. */
static stream *begin_stream(sl_web_visit *visit, const sl_camera_view *cameras,
                            const unsigned *places, size_t count) {
    const struct sort *sort = &sorts[visit->task.what];
    size_t readers = count > 0 ? count : 1;
    stream *begun = calloc(1, sizeof(*begun) + readers * sizeof(*begun->readers));
    if (!begun)
        return NULL;
    begun->web = visit->web;
    open_stream(begun, sort);
    for (size_t i = 0; i < readers; i++) {
        begun->readers[i] = (sl_web_reader){
            .reading = sort->reading,
            .connection = visit->connection,
            .first = begun->readers,
            .place = count > 0 ? places[i] : 0,
        };
        if (sl_web_hub_join(visit->web->hub, &begun->readers[i], count > 0 ? &cameras[i] : NULL) <
            0) {
            end_stream(begun);
            return NULL;
        }
        begun->count++;
    }
    return begun;
}

static enum MHD_Result answer(sl_web_visit *visit, stream *begun) {
    struct MHD_Response *response = NULL;
    if (begun)
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream,
                                                     begun, end_stream);
    if (!response) {
        if (begun)
            end_stream(begun);
        return MHD_NO;
    }
    /* Not in chunks: those are made in the connection's own, small memory. */
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    char type[sizeof(MULTIPART) + BOUNDARY_MAX];
    snprintf(type, sizeof(type), "%s%s", sorts[visit->task.what].type, begun->boundary);
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx would keep it back */
    visit->streams = true;
    if (visit->guest)
        sl_web_guest_stay(visit->guest);
    return sl_web_answer(visit, MHD_HTTP_OK, response);
}

enum MHD_Result sl_web_answer_stream(sl_web_visit *visit) {
    sl_camera_view camera;
    enum MHD_Result answered;
    if (visit->task.what == SL_WEB_EVENTS) {
        sl_web_tell_news(visit->web, FRESH_NEWS_US);
        return answer(visit, begin_stream(visit, NULL, NULL, 0));
    }
    if (!sl_web_find_camera(visit, &camera, &answered))
        return answered;
    return answer(visit, begin_stream(visit, &camera, &(unsigned){0}, 1));
}

enum MHD_Result sl_web_answer_streams(sl_web_visit *visit) {
    unsigned places[SL_VIEWS_MAX];
    sl_camera_view *cameras = calloc(SL_VIEWS_MAX, sizeof(*cameras));
    size_t count = cameras ? sl_web_find_cameras(visit, cameras, places) : 0;
    stream *begun = count > 0 ? begin_stream(visit, cameras, places, count) : NULL;
    free(cameras);
    if (count == 0)
        return sl_web_refuse(visit, MHD_HTTP_NOT_FOUND,
                             "none of these cameras is there: /api/cameras lists those that are");
    return answer(visit, begun);
}

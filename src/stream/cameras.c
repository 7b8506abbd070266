/* stream: the senders that a live receiver hears, and the frames of their chunks. */
#include "stream/cameras.h"

#include "base/clock.h"
#include "base/error.h"
#include "codec/codec.h"
#include "frame/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_US       (5 * SL_SECOND_US) /* then it is gone, and another may have its place */
#define WISH_US         SL_SECOND_US       /* between wishes for a keyframe */
#define UNFINISHED_MOST (8 * SL_CAMERAS_FRAME_MAX) /* bytes of all frames that aren't whole yet */
/* Frames of a camera that the decoder may have: one in work, and one or two that wait. */
#define UNDECODED_LEAST 2
#define UNDECODED_MOST  3

static const sl_format formats[SL_LIVE_CODECS] = {
    [SL_LIVE_JPEG] = SL_FORMAT_JPEG,
    [SL_LIVE_H264] = SL_FORMAT_H264,
    [SL_LIVE_HEVC] = SL_FORMAT_HEVC,
    [SL_LIVE_AV1] = SL_FORMAT_AV1,
};

sl_format sl_cameras_format(sl_live_codec codec) {
    return formats[codec];
}

static uint16_t decodable(void) {
    unsigned codecs = 0;
    for (sl_live_codec codec = 0; codec < SL_LIVE_CODECS; codec++)
        codecs |= sl_codec_can_decode(formats[codec]) ? 1U << codec : 0;
    return (uint16_t)codecs;
}

int sl_cameras_open(sl_cameras **cameras, uint64_t frame_max) {
    *cameras = calloc(1, sizeof **cameras);
    if (!*cameras)
        return sl_fail_memory();
    (*cameras)->frame_max = frame_max < SL_CAMERAS_FRAME_MAX ? frame_max : SL_CAMERAS_FRAME_MAX;
    (*cameras)->codecs = decodable();
    pthread_mutex_init(&(*cameras)->lock, NULL);
    return SL_OK;
}

void sl_cameras_close(sl_cameras **cameras) {
    sl_cameras *closing = *cameras;
    if (!closing)
        return;
    *cameras = NULL;
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++)
        sl_cameras_leave(closing, &closing->all[i]);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}

static bool same(const sl_buffer *one, const sl_buffer *other) {
    return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
}

sl_camera *sl_cameras_find(sl_cameras *cameras, const sl_buffer *from) {
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        if (cameras->all[i].from && same(cameras->all[i].from, from))
            return &cameras->all[i];
    }
    return NULL;
}

static sl_camera *find_number(sl_cameras *cameras, uint64_t number) {
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        if (cameras->all[i].from && cameras->all[i].number == number)
            return &cameras->all[i];
    }
    return NULL;
}

static sl_camera *find_port(sl_cameras *cameras, const char *port) {
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        if (cameras->all[i].from && strcmp(cameras->all[i].port, port) == 0)
            return &cameras->all[i];
    }
    return NULL;
}

/* A free place, or one whose sender was silent for long. */
static sl_camera *find_place(sl_cameras *cameras, int64_t now_us) {
    sl_camera *oldest = &cameras->all[0];
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        sl_camera *camera = &cameras->all[i];
        if (!camera->from)
            return camera;
        if (camera->heard_us < oldest->heard_us)
            oldest = camera;
    }
    if (now_us - oldest->heard_us < SILENT_US)
        return NULL;
    sl_cameras_leave(cameras, oldest);
    return oldest;
}

static bool is_away(const sl_camera *camera, int64_t now_us) {
    return camera->gone || now_us - camera->heard_us >= SILENT_US;
}

/* Writes the first name that nobody has who is there, with a number behind it if need be. The one
 * that had it and isn't there any more; NULL: nobody. */
static sl_camera *find_name(sl_cameras *cameras, const char *text, int64_t now_us, char *port) {
    const size_t size = sizeof cameras->all->port;
    sl_camera *namesake;
    snprintf(port, size, "\"%.*s\"", SL_LIVE_NAME_MAX, text);
    for (int i = 2; (namesake = find_port(cameras, port)) && !is_away(namesake, now_us); i++)
        snprintf(port, size, "\"%.*s (%d)\"", SL_LIVE_NAME_MAX, text, i);
    return namesake;
}

/* A place and a name for a new one; NULL: all are taken. */
static sl_camera *add(sl_cameras *cameras, const char *text, int64_t now_us) {
    char port[sizeof cameras->all->port];
    sl_camera *camera = find_name(cameras, text, now_us, port);
    if (camera)
        sl_cameras_leave(cameras, camera);
    else
        camera = find_place(cameras, now_us);
    if (!camera)
        return NULL;
    pthread_mutex_lock(&cameras->lock);
    memcpy(camera->port, port, sizeof port);
    pthread_mutex_unlock(&cameras->lock);
    return camera;
}

/* With nothing in hand but what it is. */
static void begin_session(sl_cameras *cameras, sl_camera *camera, const sl_live_message *hello) {
    sl_buffer_unref(&camera->bytes);
    camera->session = hello->session;
    camera->epoch = 0;
    camera->sequence = 0;
    camera->received = 0;
    camera->have = 0;
    camera->lost = true;
    camera->displaced = false;
    camera->connection = 0;
    camera->gone = false;
    camera->behind = false;
    camera->wished_us = 0;
    pthread_mutex_lock(&cameras->lock);
    cameras->shown[camera - cameras->all] = (sl_shown){0};
    pthread_mutex_unlock(&cameras->lock);
}

sl_camera *sl_cameras_welcome(sl_cameras *cameras, const sl_buffer *from,
                              const sl_live_message *hello, int64_t now_us) {
    sl_camera *camera = sl_cameras_find(cameras, from);
    if (camera && camera->session == hello->session)
        return camera;
    if (!camera)
        camera = find_number(cameras, hello->camera);
    if (!camera)
        camera = add(cameras, hello->text, now_us);
    if (!camera)
        return NULL;
    sl_buffer_unref(&camera->from);
    camera->from = sl_buffer_ref((sl_buffer *)from);
    camera->number = hello->camera;
    begin_session(cameras, camera, hello);
    camera->heard_us = now_us;
    return camera;
}

void sl_cameras_leave(sl_cameras *cameras, sl_camera *camera) {
    sl_buffer_unref(&camera->from);
    sl_buffer_unref(&camera->bytes);
    pthread_mutex_lock(&cameras->lock);
    cameras->distrusted[camera - cameras->all] = false;
    cameras->wanted[camera - cameras->all] = false;
    pthread_mutex_unlock(&cameras->lock);
}

size_t sl_cameras_count(const sl_cameras *cameras) {
    size_t count = 0;
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++)
        count += cameras->all[i].from != NULL;
    return count;
}

/* Whether one of its frames could not be decoded since it was asked last. */
static bool take_distrust(sl_cameras *cameras, const sl_camera *camera) {
    bool *distrusted = &cameras->distrusted[camera - cameras->all];
    pthread_mutex_lock(&cameras->lock);
    bool was = *distrusted;
    *distrusted = false;
    pthread_mutex_unlock(&cameras->lock);
    return was;
}

static int lose(sl_camera *camera, const char *why) {
    sl_buffer_unref(&camera->bytes);
    camera->lost = true;
    return sl_fail(SL_EMESSAGE, "a chunk from %s is refused: %s", camera->port, why);
}

/* The one whose frame that isn't whole is the largest; NULL: there is none. `*together`: bytes of
 * all of those. */
static sl_camera *find_largest(sl_cameras *cameras, size_t *together) {
    sl_camera *largest = NULL;
    *together = 0;
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        sl_camera *camera = &cameras->all[i];
        if (!camera->bytes)
            continue;
        *together += camera->bytes->size;
        if (!largest || camera->bytes->size > largest->bytes->size)
            largest = camera;
    }
    return largest;
}

/* Memory for the frame that it begins. What is as large as any gets the place of none. */
static int reserve(sl_cameras *cameras, sl_camera *camera, size_t size) {
    size_t together;
    sl_camera *largest = find_largest(cameras, &together);
    if (largest && together + size > UNFINISHED_MOST) {
        if (largest->bytes->size <= size)
            return lose(camera, "too much is under way from all cameras together");
        sl_buffer_unref(&largest->bytes);
        largest->displaced = true;
    }
    return sl_buffer_new(&camera->bytes, size) ? lose(camera, "there is no memory for its frame")
                                               : SL_OK;
}

/* The first chunk of a frame. */
static int begin_frame(sl_cameras *cameras, sl_camera *camera, const sl_live_message *chunk) {
    bool next = chunk->epoch == camera->epoch && chunk->sequence == camera->sequence + 1;
    if (camera->bytes)
        return lose(camera, "the frame before it is not whole");
    if (chunk->offset != 0)
        return camera->lost ? SL_OK : lose(camera, "its frame has no beginning");
    if (!(cameras->codecs & 1U << chunk->codec))
        return lose(camera, "nobody offered to decode what it is coded by");
    if (chunk->total > cameras->frame_max)
        return lose(camera, "its frame is larger than one may be");
    if ((int64_t)chunk->width * chunk->height > SL_VIDEO_PIXELS_MAX)
        return lose(camera, "its picture would be too large");
    if (chunk->flags & SL_LIVE_KEYFRAME)
        camera->lost = false;
    else if (!next && !camera->lost)
        return lose(camera, "a frame is missing before it");
    camera->epoch = chunk->epoch;
    camera->sequence = chunk->sequence;
    camera->have = 0;
    camera->head = *chunk;
    return camera->lost ? SL_OK : reserve(cameras, camera, chunk->total);
}

/* Whoever wished for a keyframe has it now. */
static void note_keyframe(sl_cameras *cameras, const sl_camera *camera) {
    pthread_mutex_lock(&cameras->lock);
    cameras->wanted[camera - cameras->all] = false;
    pthread_mutex_unlock(&cameras->lock);
}

static int finish_frame(sl_cameras *cameras, sl_camera *camera, sl_frame **frame) {
    const sl_live_message *head = &camera->head;
    int64_t clock_us = head->clock_us == SL_LIVE_NO_CLOCK ? 0 : head->clock_us;
    int result = sl_frame_new_coded(frame, formats[head->codec], camera->bytes);
    sl_buffer_unref(&camera->bytes);
    if (!result)
        result = sl_frame_set_port(*frame, camera->port);
    if (result) {
        sl_frame_unref(frame);
        return lose(camera, "there is no memory for its frame");
    }
    (*frame)->keyframe = head->flags & SL_LIVE_KEYFRAME;
    if ((*frame)->keyframe)
        note_keyframe(cameras, camera);
    (*frame)->sequence = head->sequence;
    (*frame)->full_width = head->width;
    (*frame)->full_height = head->height;
    (*frame)->captured_utc_us = head->captured_us ? head->captured_us + clock_us : 0;
    return SL_OK;
}

int sl_cameras_take(sl_cameras *cameras, sl_camera *camera, const sl_live_message *chunk,
                    sl_frame **frame) {
    *frame = NULL;
    camera->received += chunk->size;
    if (take_distrust(cameras, camera)) {
        sl_buffer_unref(&camera->bytes);
        camera->lost = true;
    }
    if (camera->displaced) {
        camera->displaced = false;
        return lose(camera, "its frame made way for smaller ones of other cameras");
    }
    bool same_frame = camera->bytes && chunk->sequence == camera->sequence &&
                      chunk->epoch == camera->epoch && chunk->total == camera->head.total;
    if (same_frame && chunk->offset != camera->have)
        return lose(camera, "it does not begin where the one before ended");
    int result = same_frame ? SL_OK : begin_frame(cameras, camera, chunk);
    if (result || !camera->bytes)
        return result;
    memcpy(camera->bytes->data + camera->have, chunk->data, chunk->size);
    camera->have += chunk->size;
    return camera->have == camera->head.total ? finish_frame(cameras, camera, frame) : SL_OK;
}

bool sl_cameras_note_undecoded(sl_camera *camera, int undecoded) {
    bool behind = undecoded > (camera->behind ? UNDECODED_LEAST : UNDECODED_MOST);
    bool changed = behind != camera->behind;
    camera->behind = behind;
    return changed;
}

uint8_t sl_cameras_view(const sl_cameras *cameras, const sl_camera *camera) {
    unsigned unwatched = cameras->unwatched ? SL_LIVE_UNWATCHED : 0;
    return (uint8_t)(unwatched | (camera->behind ? SL_LIVE_BEHIND : 0));
}

void sl_cameras_ack(sl_cameras *cameras, const sl_camera *camera, const sl_live_message *chunk,
                    int64_t came_us, sl_live_message *ack) {
    pthread_mutex_lock(&cameras->lock);
    bool distrusted = cameras->distrusted[camera - cameras->all];
    sl_shown shown = cameras->shown[camera - cameras->all];
    pthread_mutex_unlock(&cameras->lock);
    unsigned keyframe = camera->lost || distrusted ? SL_LIVE_KEYFRAME : 0;
    *ack = (sl_live_message){
        .kind = SL_LIVE_ACK,
        .flags = (uint8_t)(keyframe | sl_cameras_view(cameras, camera)),
        .session = camera->session,
        .epoch = chunk->epoch,
        .sequence = chunk->sequence,
        .offset = chunk->offset + (uint32_t)chunk->size,
        .bytes = camera->received,
        .sent_us = chunk->sent_us,
        .now_us = came_us,
        .shown = shown.sequence,
        .shown_age_us = shown.age_us,
    };
}

/* Locked. The number of the one whose frames have that port; SL_CAMERAS_MAX: none. */
static size_t find_owner(const sl_cameras *cameras, const char *port) {
    size_t i = 0;
    while (i < SL_CAMERAS_MAX && (!port || strcmp(cameras->all[i].port, port) != 0))
        i++;
    return i;
}

void sl_cameras_want_keyframe(sl_cameras *cameras, const char *port) {
    pthread_mutex_lock(&cameras->lock);
    size_t owner = find_owner(cameras, port);
    if (owner < SL_CAMERAS_MAX)
        cameras->wanted[owner] = true;
    pthread_mutex_unlock(&cameras->lock);
}

bool sl_cameras_wishes(sl_cameras *cameras, sl_camera *camera, int64_t now_us, int64_t *due_us) {
    pthread_mutex_lock(&cameras->lock);
    bool wanted = cameras->wanted[camera - cameras->all];
    pthread_mutex_unlock(&cameras->lock);
    if (!wanted)
        return false;
    bool now = camera->wished_us == 0 || now_us - camera->wished_us >= WISH_US;
    if (now)
        camera->wished_us = now_us;
    *due_us = sl_earlier_us(*due_us, camera->wished_us + WISH_US);
    return now;
}

void sl_cameras_show(sl_cameras *cameras, const sl_frame *frame, int64_t age_us) {
    bool known = age_us >= 0 && age_us < SL_LIVE_NO_AGE;
    pthread_mutex_lock(&cameras->lock);
    size_t owner = find_owner(cameras, frame->port);
    if (owner < SL_CAMERAS_MAX)
        cameras->shown[owner] = (sl_shown){
            .sequence = (uint32_t)frame->sequence,
            .age_us = known ? (uint32_t)age_us : SL_LIVE_NO_AGE,
        };
    pthread_mutex_unlock(&cameras->lock);
}

void sl_cameras_distrust(sl_cameras *cameras, const sl_frame *frame) {
    pthread_mutex_lock(&cameras->lock);
    size_t owner = find_owner(cameras, frame->port);
    if (owner < SL_CAMERAS_MAX)
        cameras->distrusted[owner] = true;
    pthread_mutex_unlock(&cameras->lock);
}

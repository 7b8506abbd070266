/* Cameras, on a made-up one: open(), ioctl() and mmap() of /dev/video77 end here, in the place of
 * the kernel, for our code and for libavdevice. It has two buffers' worth of V4L2 to offer: MJPEG
 * at 640x480 and 1280x720, YUYV at 640x480, 30 frames a second, and can be unplugged. */
#include "footage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sightline/camera.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define DEVICE       "/dev/video77"
#define PHOTO        OPENCV_DATA "fruits.jpg"
#define BUFFERS      4
#define BUFFER_BYTES (1024 * 1024)
#define PERIOD_US    4000 /* faster than it says, so that tests are short */

static struct {
    atomic_int unplugged, forbidden, silent;
    atomic_int opened;
    atomic_uint format; /* that streams now */
    uint8_t *photo;
    size_t photo_size;
    int width, height;
    bool queued[BUFFERS];
    bool streaming;
    uint32_t next;
    int64_t due_us;
} camera;

static bool is_camera(int fd) {
    char link[64], target[64] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof(target) - 1);
    return length > 0 && strstr(target, "memfd:fake-camera");
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
    va_end(rest);
    if (strcmp(path, DEVICE) != 0)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    errno = camera.unplugged ? ENOENT : EACCES;
    if (camera.unplugged || camera.forbidden)
        return -1;
    atomic_fetch_add(&camera.opened, 1);
    int fd = memfd_create("fake-camera", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, BUFFERS * BUFFER_BYTES) < 0)
        abort();
    return fd;
}

static int no(int error) {
    errno = error;
    return -1;
}

static int query(struct v4l2_capability *answer) {
    memset(answer, 0, sizeof(*answer));
    strcpy((char *)answer->driver, "fake");
    strcpy((char *)answer->card, "Fake camera");
    answer->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    answer->capabilities = answer->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
}

static int enumerate_format(struct v4l2_fmtdesc *format) {
    if (format->index > 1)
        return no(EINVAL);
    format->pixelformat = format->index ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
    format->flags = format->index ? 0 : V4L2_FMT_FLAG_COMPRESSED;
    return 0;
}

static int enumerate_size(struct v4l2_frmsizeenum *size) {
    bool small = size->index == 0;
    if (size->index > (size->pixel_format == V4L2_PIX_FMT_MJPEG ? 1 : 0))
        return no(EINVAL);
    size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    size->discrete.width = small ? 640 : 1280;
    size->discrete.height = small ? 480 : 720;
    return 0;
}

static int enumerate_interval(struct v4l2_frmivalenum *interval) {
    if (interval->index > 0)
        return no(EINVAL);
    interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    interval->discrete = (struct v4l2_fract){1, 30};
    return 0;
}

static int set_format(struct v4l2_format *format) {
    camera.format = format->fmt.pix.pixelformat;
    camera.width = (int)format->fmt.pix.width;
    camera.height = (int)format->fmt.pix.height;
    format->fmt.pix.field = V4L2_FIELD_NONE;
    format->fmt.pix.sizeimage = BUFFER_BYTES;
    return 0;
}

static int describe_buffer(struct v4l2_buffer *buffer) {
    buffer->length = BUFFER_BYTES;
    buffer->m.offset = buffer->index * BUFFER_BYTES;
    return 0;
}

static size_t fill(int fd, uint32_t index) {
    static uint8_t gray[640 * 480 * 2];
    off_t at = (off_t)index * BUFFER_BYTES;
    if (camera.format == V4L2_PIX_FMT_MJPEG)
        return (size_t)pwrite(fd, camera.photo, camera.photo_size, at);
    memset(gray, 128, sizeof(gray));
    return (size_t)pwrite(fd, gray, sizeof(gray), at);
}

static int take_buffer(int fd, struct v4l2_buffer *buffer) {
    if (camera.unplugged)
        return no(ENODEV);
    if (camera.silent || !camera.streaming || sl_now_us() < camera.due_us ||
        !camera.queued[camera.next])
        return no(EAGAIN);
    int64_t now_us = sl_now_us();
    camera.due_us += PERIOD_US;
    if (camera.due_us < now_us - 2 * PERIOD_US)
        camera.due_us = now_us;
    buffer->index = camera.next;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->bytesused = (uint32_t)fill(fd, camera.next);
    /* It was exposed a moment ago. */
    buffer->timestamp.tv_sec = (now_us - 1000) / 1000000;
    buffer->timestamp.tv_usec = (now_us - 1000) % 1000000;
    camera.queued[camera.next] = false;
    camera.next = (camera.next + 1) % BUFFERS;
    return 0;
}

static int start_streaming(bool on) {
    camera.streaming = on;
    camera.due_us = sl_now_us();
    camera.next = 0;
    return 0;
}

static int request_of_camera(int fd, unsigned long request, void *argument) {
    if (camera.unplugged && request != VIDIOC_DQBUF && request != VIDIOC_STREAMOFF)
        return no(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP:
        return query(argument);
    case VIDIOC_G_INPUT:
        *(int *)argument = 0;
        return 0;
    case VIDIOC_ENUMINPUT:
        return ((struct v4l2_input *)argument)->index ? no(EINVAL) : 0;
    case VIDIOC_ENUM_FMT:
        return enumerate_format(argument);
    case VIDIOC_ENUM_FRAMESIZES:
        return enumerate_size(argument);
    case VIDIOC_ENUM_FRAMEINTERVALS:
        return enumerate_interval(argument);
    case VIDIOC_S_FMT:
        return set_format(argument);
    case VIDIOC_S_PARM:
    case VIDIOC_G_PARM:
        ((struct v4l2_streamparm *)argument)->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
        ((struct v4l2_streamparm *)argument)->parm.capture.timeperframe =
            (struct v4l2_fract){1, 30};
        return 0;
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF:
        return describe_buffer(argument);
    case VIDIOC_QBUF:
        camera.queued[((struct v4l2_buffer *)argument)->index] = true;
        return 0;
    case VIDIOC_DQBUF:
        return take_buffer(fd, argument);
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
        return start_streaming(request == VIDIOC_STREAMON);
    default:
        return no(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (is_camera(fd))
        /* libavdevice passes what is an int there, with its sign. */
        return request_of_camera(fd, request & 0xffffffffUL, argument);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

static int plug_in(void **state) {
    (void)state;
    uint8_t *photo = camera.photo ? camera.photo : load(PHOTO, &camera.photo_size);
    size_t size = camera.photo_size;
    memset(&camera, 0, sizeof(camera));
    camera.photo = photo;
    camera.photo_size = size;
    return 0;
}

static void jpeg_is_passed_on(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    sl_source *source = open_source(&settings);
    assert_true(sl_source_live(source));
    assert_string_equal(sl_source_describe(source), "1280x720, 30 frames/s, MJPEG");
    int64_t last_us = 0;
    for (int i = 0; i < 10; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_JPEG);
        assert_int_equal(frame->size, camera.photo_size);
        assert_memory_equal(frame->planes[0], camera.photo, camera.photo_size);
        /* The camera's own time, not ours. */
        assert_true(frame->captured_monotonic_us > last_us);
        assert_true(frame->captured_monotonic_us <= sl_now_us() - 1000);
        last_us = frame->captured_monotonic_us;
        sl_frame_unref(&frame);
    }
    sl_source_close(&source);
}

static void frames_outlive_the_camera(void **state) {
    (void)state;
    sl_source_settings settings = settings_for(DEVICE);
    sl_frame *kept[8];
    for (int way = 0; way < 2; way++) {
        settings.deliver = way ? SL_DELIVER_PIXELS : SL_DELIVER_ANY;
        settings.size = (sl_size){640, 480};
        sl_source *source = open_source(&settings);
        /* More than the camera has buffers. */
        for (int i = 0; i < 8; i++)
            kept[i] = next_frame(source);
        sl_source_close(&source);
        for (int i = 0; i < 8; i++) {
            assert_int_equal(kept[i]->planes[0][0], way ? 130 : 0xff);
            sl_frame_unref(&kept[i]);
        }
    }
}

static void pixels_come_from_the_raw_mode(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    settings.size = (sl_size){640, 480};
    settings.timecode = true;
    sl_source *source = open_source(&settings);
    assert_string_equal(sl_source_describe(source), "640x480, 30 frames/s, YUYV422");
    sl_frame *frame = next_frame(source);
    uint32_t milliseconds;
    assert_int_equal(frame->format, SL_FORMAT_I422);
    assert_true(sl_timecode_read(frame, &milliseconds));
    assert_int_equal(milliseconds, (uint32_t)(frame->captured_utc_us / 1000));
    sl_frame_unref(&frame);
    sl_source_close(&source);
}

static void an_unplugged_camera_comes_back(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    sl_source *source = open_source(&settings);
    sl_source_stats stats;
    sl_frame *frame = next_frame(source);
    uint64_t before = frame->sequence;
    sl_frame_unref(&frame);
    camera.unplugged = true;
    do
        sl_source_stats_get(source, &stats);
    while (!stats.away);
    while (sl_source_read(source, &frame, 0) == 0)
        sl_frame_unref(&frame);
    int opened = camera.opened;
    camera.unplugged = false;
    frame = next_frame(source);
    assert_true(frame->sequence > before);
    assert_true(camera.opened > opened);
    sl_frame_unref(&frame);
    sl_source_stats_get(source, &stats);
    assert_int_equal(stats.reopened, 1);
    assert_false(stats.away);
    sl_source_close(&source);
}

static void a_silent_camera_is_opened_again(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    sl_source *source = open_source(&settings);
    sl_source_stats stats;
    sl_frame *frame = next_frame(source);
    sl_frame_unref(&frame);
    camera.silent = true;
    do
        sl_source_stats_get(source, &stats);
    while (!stats.away);
    camera.silent = false;
    frame = next_frame(source);
    sl_frame_unref(&frame);
    sl_source_close(&source);
}

static void a_lower_rate_leaves_frames_out(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    settings.fps = 25;
    sl_source *source = open_source(&settings);
    int64_t first_us = 0, last_us = 0;
    for (int i = 0; i < 5; i++) {
        sl_frame *frame = next_frame(source);
        last_us = frame->captured_monotonic_us;
        first_us = i ? first_us : last_us;
        sl_frame_unref(&frame);
    }
    /* One may come half a step early, but none stays early. */
    assert_true(last_us - first_us >= 4 * 40000 - 40000 / 2);
    sl_source_close(&source);
}

static void says_what_the_camera_can_do(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("77");
    settings.size = (sl_size){1000, 1000};
    refused(&settings, SL_ESOURCE, "can't do 1000x1000; it can do 640x480, 1280x720");
    settings.size = (sl_size){0, 0};
    settings.fps = 120;
    refused(&settings, SL_ESOURCE, "can't do 120 frames a second; it can do up to 30");
    camera.forbidden = true;
    settings.fps = 0;
    refused(&settings, SL_ESOURCE, "sudo usermod -aG video $USER");
    camera.unplugged = true;
    refused(&settings, SL_ESOURCE, "there is no camera " DEVICE);
    settings = settings_for("/dev/v4l/by-id/nothing");
    refused(&settings, SL_ESOURCE, "there is no camera /dev/v4l/by-id/nothing");
}

static void the_list_says_what_to_do(void **state) {
    (void)state;
    sl_camera_list *list;
    assert_int_equal(sl_camera_list_open(&list), 0);
    if (list->count == 0)
        assert_non_null(strstr(sl_error(), "ls /dev/video*"));
    sl_camera_list_close(&list);
    assert_null(list);
    sl_camera_list_close(&list);
}

static int forget_photo(void **state) {
    (void)state;
    free(camera.photo);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(jpeg_is_passed_on, plug_in),
        cmocka_unit_test_setup(frames_outlive_the_camera, plug_in),
        cmocka_unit_test_setup(pixels_come_from_the_raw_mode, plug_in),
        cmocka_unit_test_setup(an_unplugged_camera_comes_back, plug_in),
        cmocka_unit_test_setup(a_silent_camera_is_opened_again, plug_in),
        cmocka_unit_test_setup(a_lower_rate_leaves_frames_out, plug_in),
        cmocka_unit_test_setup(says_what_the_camera_can_do, plug_in),
        cmocka_unit_test_setup(the_list_says_what_to_do, plug_in),
    };
    return cmocka_run_group_tests(tests, NULL, forget_photo);
}

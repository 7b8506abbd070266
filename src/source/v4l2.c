/* source: asks a camera what it is and can do. */
#include "source/v4l2.h"
#include "base/error.h"
#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MODES_MOST 1024

struct device {
    int fd;
    sl_size wanted;
    sl_v4l2_facts *facts;
};

/* Sizes that are worth telling of a camera that can do any within a range. */
static const sl_size usual_sizes[] = {
    {320, 240}, {640, 480}, {800, 600}, {1280, 720}, {1920, 1080}, {2560, 1440}, {3840, 2160},
};

static int ask(const struct device *device, unsigned long request, void *argument) {
    int result;
    do
        result = ioctl(device->fd, request, argument);
    while (result < 0 && errno == EINTR);
    return result;
}

static double rate(const struct v4l2_fract *interval) {
    return interval->numerator ? (double)interval->denominator / interval->numerator : 0;
}

/* The highest rate of a format and size; 0 when the driver doesn't say. */
static double highest_fps(const struct device *device, uint32_t fourcc, int width, int height) {
    double highest = 0;
    struct v4l2_frmivalenum interval = {
        .pixel_format = fourcc, .width = (uint32_t)width, .height = (uint32_t)height};
    while (ask(device, VIDIOC_ENUM_FRAMEINTERVALS, &interval) == 0) {
        bool discrete = interval.type == V4L2_FRMIVAL_TYPE_DISCRETE;
        double fps = rate(discrete ? &interval.discrete : &interval.stepwise.min);
        if (fps > highest)
            highest = fps;
        if (!discrete)
            break;
        interval.index++;
    }
    return highest;
}

static int add_mode(struct device *device, uint32_t fourcc, int width, int height) {
    sl_v4l2_facts *facts = device->facts;
    if (facts->count == MODES_MOST || width <= 0 || height <= 0)
        return SL_OK;
    sl_mode *grown = realloc(facts->modes, (facts->count + 1) * sizeof(*grown));
    if (!grown)
        return sl_fail_memory();
    facts->modes = grown;
    facts->modes[facts->count++] = (sl_mode){
        .fourcc = fourcc,
        .width = width,
        .height = height,
        .fps = highest_fps(device, fourcc, width, height),
    };
    return SL_OK;
}

static bool is_in_range(const struct v4l2_frmsize_stepwise *range, const sl_size *size) {
    uint32_t width = (uint32_t)size->width, height = (uint32_t)size->height;
    uint32_t step_width = range->step_width ? range->step_width : 1;
    uint32_t step_height = range->step_height ? range->step_height : 1;
    return width >= range->min_width && width <= range->max_width && height >= range->min_height &&
           height <= range->max_height && (width - range->min_width) % step_width == 0 &&
           (height - range->min_height) % step_height == 0;
}

static int add_range(struct device *device, uint32_t fourcc,
                     const struct v4l2_frmsize_stepwise *range) {
    int code = SL_OK;
    bool usual = false;
    for (size_t i = 0; i < SL_COUNT(usual_sizes) && code >= 0; i++) {
        const sl_size *size = &usual_sizes[i];
        if (!is_in_range(range, size))
            continue;
        usual =
            usual || (size->width == device->wanted.width && size->height == device->wanted.height);
        code = add_mode(device, fourcc, size->width, size->height);
    }
    if (code >= 0 && device->wanted.width && !usual && is_in_range(range, &device->wanted))
        code = add_mode(device, fourcc, device->wanted.width, device->wanted.height);
    return code;
}

/* Of a driver that lists no sizes: the one that is set. */
static int add_current(struct device *device, uint32_t fourcc) {
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    if (ask(device, VIDIOC_G_FMT, &format) < 0)
        return SL_OK;
    return add_mode(device, fourcc, (int)format.fmt.pix.width, (int)format.fmt.pix.height);
}

static int add_sizes(struct device *device, uint32_t fourcc) {
    struct v4l2_frmsizeenum size = {.pixel_format = fourcc};
    int code = SL_OK;
    while (code >= 0 && ask(device, VIDIOC_ENUM_FRAMESIZES, &size) == 0) {
        if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
            return add_range(device, fourcc, &size.stepwise);
        code = add_mode(device, fourcc, (int)size.discrete.width, (int)size.discrete.height);
        size.index++;
    }
    return code >= 0 && size.index == 0 ? add_current(device, fourcc) : code;
}

static int add_formats(struct device *device) {
    struct v4l2_fmtdesc format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    int code = SL_OK;
    while (code >= 0 && ask(device, VIDIOC_ENUM_FMT, &format) == 0) {
        code = add_sizes(device, format.pixelformat);
        format.index++;
    }
    return code;
}

static int check_capabilities(struct device *device, const char *path) {
    struct v4l2_capability is;
    if (ask(device, VIDIOC_QUERYCAP, &is) < 0)
        return sl_fail(SL_EUNSUPPORTED, "%s is no camera", path);
    snprintf(device->facts->name, sizeof(device->facts->name), "%s", (const char *)is.card);
    uint32_t can = is.capabilities & V4L2_CAP_DEVICE_CAPS ? is.device_caps : is.capabilities;
    if (can & V4L2_CAP_VIDEO_CAPTURE_MPLANE && !(can & V4L2_CAP_VIDEO_CAPTURE))
        return sl_fail(SL_ESOURCE,
                       "%s is a camera of the multi-planar kind, which can't be read: "
                       "send its pictures through a pipe",
                       path);
    if (!(can & V4L2_CAP_VIDEO_CAPTURE) || !(can & V4L2_CAP_STREAMING))
        return sl_fail(SL_EUNSUPPORTED, "%s is no camera: it captures no pictures", path);
    return SL_OK;
}

static int fail_to_open(const char *path) {
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return sl_fail(SL_ESOURCE,
                       "there is no camera %s; sightline cameras lists those that are "
                       "there",
                       path);
    if (errno == EACCES || errno == EPERM)
        return sl_fail(SL_ESOURCE, "permission denied: add yourself to the group video: "
                                   "sudo usermod -aG video $USER, then log in again");
    if (errno == EBUSY)
        return sl_fail(SL_ESOURCE, "the camera %s is in use by another program", path);
    return sl_fail(SL_ESOURCE, "the camera %s can't be opened: %s", path, strerror(errno));
}

int sl_v4l2_inspect(const char *path, sl_size wanted, sl_v4l2_facts *facts) {
    struct device device = {.wanted = wanted, .facts = facts};
    *facts = (sl_v4l2_facts){0};
    device.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device.fd < 0)
        return fail_to_open(path);
    int code = check_capabilities(&device, path);
    if (code >= 0)
        code = add_formats(&device);
    close(device.fd);
    return code;
}

void sl_v4l2_facts_finish(sl_v4l2_facts *facts) {
    free(facts->modes);
    facts->modes = NULL;
    facts->count = 0;
}

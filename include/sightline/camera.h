/* What cameras this machine has. */
#ifndef SIGHTLINE_CAMERA_H
#define SIGHTLINE_CAMERA_H

#include <sightline/export.h>
#include <stddef.h>

typedef struct sl_camera_mode {
    char format[32]; /* "MJPEG", "YUYV 4:2:2", "H.264" */
    int width, height;
    double fps; /* the highest at this size */
} sl_camera_mode;

typedef struct sl_camera {
    char device[64];   /* "/dev/video0" */
    int index;         /* 0 for /dev/video0 */
    char name[64];     /* what the driver calls it */
    char problem[160]; /* "" or why it can't be opened, and what to do */
    sl_camera_mode *modes;
    size_t mode_count;
    void *reserved[8];
} sl_camera;

typedef struct sl_camera_list {
    sl_camera *cameras;
    size_t count;
} sl_camera_list;

/* Lists the capture devices. An empty list is no failure; sl_error() then says what to do. The
 * caller frees the list. SL_ENOMEM. Any thread. */
SL_API int sl_camera_list_open(sl_camera_list **list);

/* Frees the list and sets the pointer NULL. Safe on NULL. */
SL_API void sl_camera_list_close(sl_camera_list **list);

#endif

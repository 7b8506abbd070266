/* A page that shows cameras to any number of browsers, and the API behind it: docs/WEB.md. */
#ifndef SIGHTLINE_WEB_H
#define SIGHTLINE_WEB_H

#include <sightline/cancel.h>
#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/recorder.h>
#include <sightline/settings.h>
#include <sightline/view.h>

typedef struct sl_web sl_web;

typedef struct sl_web_settings {
    sl_settings settings;
    const char *listen;      /* "[ADDR:]PORT", IPv6 in brackets; loopback alone without ADDR; port 0
                                is any */
    const char *token;       /* what a browser must know; NULL: outside loopback one is made, on
                                loopback none is asked for */
    const char *hosts;       /* names by which it may be called besides its own addresses and
                                "localhost", with commas between; NULL: none */
    const char *certificate; /* PEM files for TLS, both or neither; NULL: plain HTTP */
    const char *key;
    const sl_viewer *viewer; /* what is shown; the struct is copied, what it refers to borrowed for
                                the page's life */
    sl_recorder *recorder;   /* borrowed likewise; NULL: nothing can be recorded */
    void *reserved[16];
} sl_web_settings;

/* What browsers want of the receiver just now. */
typedef enum sl_web_wish {
    SL_WEB_NOTHING, /* nobody looks */
    SL_WEB_CODED,   /* frames as they come */
    SL_WEB_PICTURES /* and somebody takes what has to be decoded: see sl_web_show() */
} sl_web_wish;

SL_API void sl_web_settings_init(sl_web_settings *settings);

/* SL_EINVAL, SL_EINUSE when the port is taken, SL_ESYSTEM. Settings are copied. */
SL_API int sl_web_open(sl_web **web, const sl_web_settings *settings);

/* "http://127.0.0.1:8080/" or, where a token is asked for, the link that has it. Valid until
 * close. */
SL_API const char *sl_web_link(const sl_web *web);

/* Takes a frame as it came. Never waits: a browser that takes too little misses frames, up to the
 * next keyframe, or is cut off. One thread at a time: an sl_tap's. */
SL_API void sl_web_take(sl_web *web, const sl_frame *coded);

/* Takes a decoded picture, for those who want JPEG of what came as video or arrays; it is coded
 * once for all, and only when somebody wants it. One thread at a time. */
SL_API void sl_web_show(sl_web *web, const sl_frame *picture);

/* Any thread. */
SL_API sl_web_wish sl_web_wants(sl_web *web);

/* Waits until that is other than `was`: SL_OK; SL_EAGAIN after timeout_ms (-1: never);
 * SL_ECANCELED. One thread at a time. */
SL_API int sl_web_wait(sl_web *web, sl_web_wish was, sl_cancel *cancel, int timeout_ms);

/* Ends all connections, frees all, sets NULL; its tap has to be taken away before. Safe on NULL. */
SL_API void sl_web_close(sl_web **web);

#endif

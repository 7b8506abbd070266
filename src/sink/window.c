/* sink: "window", the frames on a screen, with three keys: q (or Esc) quits, s saves a picture, f
 * goes to the full screen and back.
 *
 * Never waits for the display: a frame that is replaced before the screen shows it is no loss, one
 * that is shown late is. All calls come from the thread that opened it, as SDL wants it. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/image.h"
#include "sink/kind.h"
#include "sink/still.h"

#include <SDL2/SDL.h>
#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_WIDTH  960
#define START_HEIGHT 540

struct window {
    const char *title;
    const char *directory; /* NULL: the working directory */
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* the newest frame, as SDL has it; NULL before the first */
    Uint32 texture_format;
    int width, height; /* of the texture; 0 before the first frame */
    uint8_t *grey;     /* chroma of frames that have none */
    size_t grey_size;

    sl_frame *frame; /* the newest, for `s` and for textures that the display lost */
    AVFrame *image;
    sl_scaler scaler;
    sl_refused refused;
};

static bool matches(const char *sink) {
    return strcmp(sink, "window") == 0;
}

static int no_display(void) {
    return sl_fail(SL_ESINK,
                   "cannot open a window: %s; without a screen record with --sink file:out.mkv, "
                   "or pipe with --sink -",
                   SDL_GetError());
}

static void free_window(struct window *window) {
    if (window->texture)
        SDL_DestroyTexture(window->texture);
    if (window->renderer)
        SDL_DestroyRenderer(window->renderer);
    if (window->window)
        SDL_DestroyWindow(window->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    sl_frame_unref(&window->frame);
    sl_scaler_finish(&window->scaler);
    av_frame_free(&window->image);
    free(window->grey);
    free(window);
}

/* X11 shows no title at all that the host's locale can't write: each letter beyond ASCII becomes a
 * dash then. */
static void make_showable(char *title) {
    const char *driver = SDL_GetCurrentVideoDriver();
    if (!driver || strcmp(driver, "x11") != 0 || strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return;
    char *to = title;
    for (const char *from = title; *from; from++) {
        bool continued = (*from & 0xC0) == 0x80, ascii = !(*from & 0x80);
        if (!continued)
            *to++ = ascii ? *from : '-';
    }
    *to = '\0';
}

static void set_title(struct window *window, const char *line) {
    char title[256];
    snprintf(title, sizeof(title), "%s%s%s", window->title, *line ? " – " : "", line);
    make_showable(title);
    SDL_SetWindowTitle(window->window, title);
}

static int make_window(struct window *window) {
    window->window =
        SDL_CreateWindow("", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, START_WIDTH,
                         START_HEIGHT, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (!window->window)
        return no_display();
    set_title(window, "");
    /* Without SDL_RENDERER_PRESENTVSYNC: showing a frame must not wait for the screen. */
    window->renderer = SDL_CreateRenderer(window->window, -1, 0);
    if (!window->renderer)
        return no_display();
    SDL_RenderClear(window->renderer);
    SDL_RenderPresent(window->renderer);
    return SL_OK;
}

static int open_window(void **state, const sl_sink_settings *settings) {
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0)
        return no_display();
    SDL_SetYUVConversionMode(SDL_YUV_CONVERSION_JPEG);
    struct window *window = calloc(1, sizeof(*window));
    if (!window) {
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        return sl_fail_memory();
    }
    window->title = settings->title ? settings->title : "Sightline";
    window->directory = settings->directory;
    window->image = av_frame_alloc();
    int code = window->image ? make_window(window) : sl_fail_memory();
    if (code < 0) {
        free_window(window);
        return code;
    }
    *state = window;
    return SL_OK;
}

/* As large as the first frame, where the screen is. */
static void fit_window(struct window *window, int width, int height) {
    SDL_Rect usable = {0, 0, width, height};
    SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(window->window), &usable);
    double scale = 1;
    if (width > usable.w)
        scale = (double)usable.w / width;
    if (height * scale > usable.h)
        scale = (double)usable.h / height;
    SDL_SetWindowSize(window->window, SDL_max((int)(width * scale), 1),
                      SDL_max((int)(height * scale), 1));
    SDL_SetWindowPosition(window->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
}

/* Draws what there is: the frame as large as fits, its shape kept. */
static void redraw(struct window *window) {
    SDL_RenderClear(window->renderer);
    if (window->texture) {
        int width, height;
        SDL_GetRendererOutputSize(window->renderer, &width, &height);
        double across = (double)width / window->width, down = (double)height / window->height;
        double scale = SDL_min(across, down);
        SDL_Rect place = {.w = SDL_max((int)(window->width * scale + 0.5), 1),
                          .h = SDL_max((int)(window->height * scale + 0.5), 1)};
        place.x = (width - place.w) / 2;
        place.y = (height - place.h) / 2;
        SDL_RenderCopy(window->renderer, window->texture, NULL, &place);
    }
    SDL_RenderPresent(window->renderer);
}

/* A texture for frames of this format and size. */
static int fit_texture(struct window *window, Uint32 format, int width, int height) {
    if (window->texture && window->texture_format == format && window->width == width &&
        window->height == height)
        return SL_OK;
    SDL_Texture *texture =
        SDL_CreateTexture(window->renderer, format, SDL_TEXTUREACCESS_STREAMING, width, height);
    if (!texture)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    SDL_SetTextureBlendMode(texture, SDL_BLENDMODE_NONE);
    if (window->texture)
        SDL_DestroyTexture(window->texture);
    else
        fit_window(window, width, height);
    window->texture = texture;
    window->texture_format = format;
    window->width = width;
    window->height = height;
    return SL_OK;
}

static int fit_grey(struct window *window, size_t size) {
    if (window->grey_size >= size)
        return SL_OK;
    free(window->grey);
    window->grey = malloc(size);
    window->grey_size = window->grey ? size : 0;
    if (!window->grey)
        return sl_fail_memory();
    memset(window->grey, 128, size);
    return SL_OK;
}

/* Luma as it is, chroma at half the width and height. Of 4:2:2 every second row of chroma is left
 * out by doubling the stride, which costs nothing. */
static int upload_planes(struct window *window, const AVFrame *image) {
    int code = fit_texture(window, SDL_PIXELFORMAT_IYUV, image->width, image->height);
    if (code < 0)
        return code;
    const uint8_t *u = image->data[1], *v = image->data[2];
    int u_stride = image->linesize[1], v_stride = image->linesize[2];
    if (image->format == AV_PIX_FMT_GRAY8) {
        u_stride = v_stride = (image->width + 1) / 2;
        code = fit_grey(window, (size_t)u_stride * (size_t)((image->height + 1) / 2));
        if (code < 0)
            return code;
        u = v = window->grey;
    } else if (image->format == AV_PIX_FMT_YUV422P) {
        u_stride *= 2;
        v_stride *= 2;
    }
    if (SDL_UpdateYUVTexture(window->texture, NULL, image->data[0], image->linesize[0], u, u_stride,
                             v, v_stride) < 0)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    return SL_OK;
}

static int upload_packed(struct window *window, const AVFrame *image) {
    int code = fit_texture(window, SDL_PIXELFORMAT_BGRA32, image->width, image->height);
    if (code < 0)
        return code;
    if (SDL_UpdateTexture(window->texture, NULL, image->data[0], image->linesize[0]) < 0)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    return SL_OK;
}

/* Gives the display window->image. SL_EUNSUPPORTED, SL_ENOMEM. */
static int upload(struct window *window) {
    AVFrame *image = window->image;
    enum AVPixelFormat wanted = image->format;
    if (wanted == AV_PIX_FMT_YUV444P)
        wanted = AV_PIX_FMT_YUV420P;
    else if (wanted == AV_PIX_FMT_BGR24)
        wanted = AV_PIX_FMT_BGR0;
    if (wanted != image->format) {
        int code =
            sl_scaler_convert(&window->scaler, image, wanted, image->width, image->height, &image);
        if (code < 0)
            return code;
    }
    return wanted == AV_PIX_FMT_BGR0 ? upload_packed(window, image) : upload_planes(window, image);
}

static void save(struct window *window) {
    char path[PATH_MAX], stamp[32];
    if (!window->frame || !sl_image_of(window->frame, window->image))
        return;
    int64_t utc_us = sl_utc_us();
    time_t seconds = (time_t)(utc_us / SL_SECOND_US);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
    snprintf(path, sizeof(path), "%s/sightline-%s-%03d.png",
             window->directory ? window->directory : ".", stamp,
             (int)(utc_us % SL_SECOND_US / 1000));
    if (sl_still_write(path, AV_CODEC_ID_PNG, window->image) < 0)
        sl_log(SL_LOG_ERROR, "sink", "%s", sl_error());
    else
        sl_log(SL_LOG_INFO, "sink", "saved %s", path);
}

static void toggle_full_screen(struct window *window) {
    Uint32 full = SDL_GetWindowFlags(window->window) & SDL_WINDOW_FULLSCREEN_DESKTOP;
    SDL_SetWindowFullscreen(window->window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
}

static int key(struct window *window, SDL_Keycode pressed) {
    if (pressed == SDLK_q || pressed == SDLK_ESCAPE)
        return SL_EEND;
    if (pressed == SDLK_s)
        save(window);
    if (pressed == SDLK_f)
        toggle_full_screen(window);
    return SL_OK;
}

/* SL_EEND when the user has had enough. */
static int handle(struct window *window, const SDL_Event *event, bool *stale) {
    switch (event->type) {
    case SDL_QUIT:
        return SL_EEND;
    case SDL_KEYDOWN:
        return event->key.repeat ? SL_OK : key(window, event->key.keysym.sym);
    case SDL_WINDOWEVENT:
        if (event->window.event == SDL_WINDOWEVENT_CLOSE)
            return SL_EEND;
        if (event->window.event == SDL_WINDOWEVENT_EXPOSED ||
            event->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
            *stale = true;
        return SL_OK;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        /* The display forgot its textures. */
        if (window->frame && sl_image_of(window->frame, window->image))
            upload(window);
        *stale = true;
        return SL_OK;
    default:
        return SL_OK;
    }
}

static int idle(void *state) {
    struct window *window = state;
    SDL_Event event;
    bool stale = false;
    while (SDL_PollEvent(&event))
        if (handle(window, &event, &stale) == SL_EEND)
            return sl_fail(SL_EEND, "the window was closed");
    if (stale)
        redraw(window);
    return SL_OK;
}

static int write_window(void *state, const sl_frame *frame) {
    struct window *window = state;
    if (!sl_image_of(frame, window->image)) {
        sl_refused_frame(&window->refused, frame, "it is no picture, so it can't be shown");
    } else if (upload(window) < 0) {
        sl_refused_frame(&window->refused, frame, sl_error());
    } else {
        sl_frame_unref(&window->frame);
        window->frame = sl_frame_ref(frame);
        redraw(window);
    }
    return idle(window);
}

static void status(void *state, const char *line) {
    set_title(state, line);
}

static uint64_t dropped(const void *state) {
    const struct window *window = state;
    return window->refused.count;
}

static int close_window(void *state) {
    free_window(state);
    return SL_OK;
}

const sl_sink_kind sl_sink_window = {
    .name = "window",
    .matches = matches,
    .open = open_window,
    .write = write_window,
    .idle = idle,
    .status = status,
    .dropped = dropped,
    .close = close_window,
    .output = SL_OUTPUT_PLANES,
};

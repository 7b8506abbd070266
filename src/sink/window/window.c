/* sink: "window", the frames on a screen, of several cameras side by side, and its keys. What is
 * drawn is the wall's.
 *
 * Never waits for the display: a frame that is replaced before the screen shows it is no loss, one
 * that is shown late is. All calls come from the thread that opened it, as SDL wants it. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/window/caption.h"
#include "sink/kind.h"
#include "sink/still.h"
#include "sink/window/wall.h"

#include <SDL2/SDL.h>
#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_WIDTH  960
#define START_HEIGHT 540
#define REST_US      5000 /* between two drawings of several pictures, at least */

struct window {
    const char *title;
    const char *directory; /* NULL: the working directory */
    SDL_Window *window;
    SDL_Renderer *renderer;
    AVFrame *image;
    sl_wall wall;
    bool outdated;         /* what is on the screen is not what should be */
    int64_t rest_until_us; /* with several pictures: no drawing before */
    SDL_Rect before;       /* its place before it filled the screen by itself; empty: it doesn't */
    bool fitted, widened;  /* its size was chosen for a picture, and for several */
    int64_t stills_us;     /* UTC: when `s` was pressed for those that wait to be saved */
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
    sl_wall_finish(&window->wall);
    if (window->renderer)
        SDL_DestroyRenderer(window->renderer);
    if (window->window)
        SDL_DestroyWindow(window->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    av_frame_free(&window->image);
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
    window->wall.renderer = window->renderer;
    window->wall.image = window->image;
    sl_wall_draw(&window->wall);
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

/* The first picture says how large a window it takes, and where a second one comes it may need more
 * room. After that it is its user's. */
static void choose_size(struct window *window, const sl_tile *tile) {
    int width, height;
    bool several = window->wall.tiles.count > 1;
    if (!window->fitted)
        fit_window(window, tile->width, tile->height);
    window->fitted = true;
    if (!several || window->widened)
        return;
    window->widened = true;
    SDL_GetWindowSize(window->window, &width, &height);
    if (width < START_WIDTH || height < START_HEIGHT)
        fit_window(window, SDL_max(width, START_WIDTH), SDL_max(height, START_HEIGHT));
}

static void redraw(struct window *window) {
    int64_t begin_us = sl_now_us();
    int across, pixels;
    SDL_GetWindowSize(window->window, &across, NULL);
    SDL_GetRendererOutputSize(window->renderer, &pixels, NULL);
    window->wall.density = across > 0 ? (double)pixels / across : 1;
    sl_wall_draw(&window->wall);
    window->outdated = false;
    int64_t end_us = sl_now_us();
    window->rest_until_us = end_us + SDL_max(end_us - begin_us, REST_US);
}

/* A single picture is on the screen at once. Of several each would have all drawn again, so they
 * share a drawing, and half of the time is left for taking frames. */
static bool is_due(const struct window *window) {
    const sl_tiles *tiles = &window->wall.tiles;
    bool single = tiles->count < 2 || tiles->picked;
    return window->outdated && (single || sl_now_us() >= window->rest_until_us);
}

/* Those on the screen as they are now; of several only what their cameras see now. */
static void ask_for_stills(struct window *window) {
    const sl_tiles *tiles = &window->wall.tiles;
    bool several = tiles->count > 1 && !tiles->picked;
    window->stills_us = sl_utc_us();
    for (size_t i = 0; i < tiles->count; i++) {
        sl_tile *tile = tiles->all[i];
        if (!sl_tiles_shows(tiles, tile) || (several && sl_caption_stale(&tile->view)))
            continue;
        sl_frame_unref(&tile->still);
        tile->still = sl_frame_ref(tile->frame);
    }
}

/* "-porch", where there are several. */
static void name_still(const struct window *window, size_t number, char *name, size_t size) {
    const sl_tile *tile = window->wall.tiles.all[number];
    name[0] = '\0';
    if (window->wall.tiles.count > 1 && tile->view.id[0])
        snprintf(name, size, "-%s", tile->view.id);
    else if (window->wall.tiles.count > 1)
        snprintf(name, size, "-%zu", number + 1);
}

static void save(struct window *window, size_t number) {
    char path[PATH_MAX], stamp[32], name[SL_VIEW_ID_MAX + 24];
    time_t seconds = (time_t)(window->stills_us / SL_SECOND_US);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
    name_still(window, number, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/sightline-%s-%03d%s.png",
             window->directory ? window->directory : ".", stamp,
             (int)(window->stills_us % SL_SECOND_US / 1000), name);
    if (sl_still_write(path, AV_CODEC_ID_PNG, window->image) < 0)
        sl_log(SL_LOG_ERROR, "sink", "%s", sl_error());
    else
        sl_log(SL_LOG_INFO, "sink", "saved %s", path);
}

/* One at a time, since frames wait meanwhile. Whether there was one. */
static bool save_next(struct window *window) {
    const sl_tiles *tiles = &window->wall.tiles;
    for (size_t i = 0; i < tiles->count; i++) {
        sl_tile *tile = tiles->all[i];
        if (!tile->still)
            continue;
        if (sl_image_of(tile->still, window->image))
            save(window, i);
        sl_frame_unref(&tile->still);
        return true;
    }
    return false;
}

/* Whether there is surely a window manager: it frames windows, or keeps room for itself. */
static bool is_managed(SDL_Window *window) {
    int display = SDL_GetWindowDisplayIndex(window);
    int top = 0, left = 0, bottom = 0, right = 0;
    SDL_Rect all = {0}, usable = {0};
    const char *driver = SDL_GetCurrentVideoDriver();
    if (!driver || strcmp(driver, "x11") != 0)
        return true;
    SDL_GetWindowBordersSize(window, &top, &left, &bottom, &right);
    SDL_GetDisplayBounds(display, &all);
    SDL_GetDisplayUsableBounds(display, &usable);
    return top > 0 || left > 0 || !SDL_RectEquals(&all, &usable);
}

static void put(SDL_Window *window, const SDL_Rect *place) {
    SDL_SetWindowPosition(window, place->x, place->y);
    SDL_SetWindowSize(window, place->w, place->h);
}

/* On X11 SDL asks the window manager for the full screen, and then lays out for it though nobody
 * has heard. So a window that may have none goes there by itself first. */
static void fill_screen(struct window *window) {
    SDL_Rect screen, *before = &window->before;
    int display = SDL_GetWindowDisplayIndex(window->window);
    if (!is_managed(window->window) && SDL_GetDisplayBounds(display, &screen) == 0) {
        SDL_GetWindowPosition(window->window, &before->x, &before->y);
        SDL_GetWindowSize(window->window, &before->w, &before->h);
        put(window->window, &screen);
    }
    SDL_SetWindowFullscreen(window->window, SDL_WINDOW_FULLSCREEN_DESKTOP);
}

static void leave_screen(struct window *window) {
    SDL_SetWindowFullscreen(window->window, 0);
    if (!SDL_RectEmpty(&window->before))
        put(window->window, &window->before);
    window->before = (SDL_Rect){0};
}

static void toggle_full_screen(struct window *window) {
    if (SDL_GetWindowFlags(window->window) & SDL_WINDOW_FULLSCREEN_DESKTOP)
        leave_screen(window);
    else
        fill_screen(window);
}

/* Of the digit that was pressed, whatever layout the keyboard has; -1: none was. */
static int digit_of(const SDL_Keysym *pressed) {
    SDL_Keycode key = pressed->sym;
    SDL_Scancode place = pressed->scancode;
    if (key >= SDLK_0 && key <= SDLK_9)
        return key - SDLK_0;
    if (key == SDLK_KP_0 || place == SDL_SCANCODE_0)
        return 0;
    if (key >= SDLK_KP_1 && key <= SDLK_KP_9)
        return key - SDLK_KP_1 + 1;
    if (place >= SDL_SCANCODE_1 && place <= SDL_SCANCODE_9)
        return (int)(place - SDL_SCANCODE_1) + 1;
    return -1;
}

/* Keys that choose what is shown. */
static void choose(sl_tiles *tiles, const SDL_Keysym *pressed) {
    int digit = digit_of(pressed);
    if (digit > 0)
        sl_tiles_pick(tiles, (size_t)digit - 1);
    else if (digit == 0 || pressed->sym == SDLK_ESCAPE)
        tiles->picked = NULL;
    else if (pressed->sym == SDLK_RIGHT || pressed->sym == SDLK_DOWN)
        sl_tiles_step(tiles, 1);
    else if (pressed->sym == SDLK_LEFT || pressed->sym == SDLK_UP)
        sl_tiles_step(tiles, -1);
}

/* Whatever it was, what is on the screen may be another thing afterwards. */
static int key(struct window *window, const SDL_Keysym *pressed) {
    sl_wall *wall = &window->wall;
    if (pressed->sym == SDLK_q || (pressed->sym == SDLK_ESCAPE && !wall->tiles.picked))
        return SL_EEND;
    if (pressed->sym == SDLK_s)
        ask_for_stills(window);
    else if (pressed->sym == SDLK_f)
        toggle_full_screen(window);
    else if (pressed->sym == SDLK_i)
        wall->captions = !wall->captions;
    else
        choose(&wall->tiles, pressed);
    window->outdated = true;
    return SL_OK;
}

static void click(struct window *window, const SDL_MouseButtonEvent *event) {
    sl_tiles *tiles = &window->wall.tiles;
    SDL_Point point = {
        .x = (int)(event->x * window->wall.density),
        .y = (int)(event->y * window->wall.density),
    };
    if (event->button != SDL_BUTTON_LEFT)
        return;
    if (tiles->picked)
        tiles->picked = NULL;
    else if (tiles->count > 1)
        tiles->picked = sl_wall_at(&window->wall, point);
    window->outdated = true;
}

/* SL_EEND when the user has had enough. */
static int handle(struct window *window, const SDL_Event *event) {
    switch (event->type) {
    case SDL_QUIT:
        return SL_EEND;
    case SDL_KEYDOWN:
        return event->key.repeat ? SL_OK : key(window, &event->key.keysym);
    case SDL_MOUSEBUTTONDOWN:
        click(window, &event->button);
        return SL_OK;
    case SDL_WINDOWEVENT:
        if (event->window.event == SDL_WINDOWEVENT_CLOSE)
            return SL_EEND;
        if (event->window.event == SDL_WINDOWEVENT_EXPOSED ||
            event->window.event == SDL_WINDOWEVENT_SIZE_CHANGED)
            window->outdated = true;
        return SL_OK;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        sl_wall_refresh(&window->wall);
        window->outdated = true;
        return SL_OK;
    default:
        return SL_OK;
    }
}

static int idle(void *state) {
    struct window *window = state;
    SDL_Event event;
    while (SDL_PollEvent(&event))
        if (handle(window, &event) == SL_EEND)
            return sl_fail(SL_EEND, "the window was closed");
    if (is_due(window))
        redraw(window);
    save_next(window);
    return SL_OK;
}

static int write_window(void *state, const sl_frame *frame) {
    struct window *window = state;
    const sl_tile *tile = sl_wall_put(&window->wall, frame);
    if (tile)
        choose_size(window, tile);
    if (tile && sl_tiles_shows(&window->wall.tiles, tile))
        window->outdated = true;
    return idle(window);
}

static void status(void *state, const char *line) {
    struct window *window = state;
    const sl_tiles *tiles = &window->wall.tiles;
    char text[SL_CAPTION_MAX];
    if (tiles->count < 2)
        snprintf(text, sizeof(text), "%s", line);
    else if (tiles->picked)
        sl_caption_line(text, &tiles->picked->view, 0);
    else
        snprintf(text, sizeof(text), "%zu cameras", tiles->count);
    set_title(window, text);
}

static void tell(void *state, const sl_camera_view *cameras, size_t count) {
    struct window *window = state;
    size_t before = window->wall.tiles.count;
    bool talked = sl_wall_talks(&window->wall);
    sl_tiles_tell(&window->wall.tiles, cameras, count, sl_utc_us());
    if (window->wall.tiles.count != before || talked || sl_wall_talks(&window->wall))
        window->outdated = true;
}

static uint64_t dropped(const void *state) {
    const struct window *window = state;
    return window->wall.refused.count;
}

static int close_window(void *state) {
    while (save_next(state))
        ;
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
    .tell = tell,
    .dropped = dropped,
    .close = close_window,
    .output = SL_OUTPUT_PLANES,
};

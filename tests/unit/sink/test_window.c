/* The window, on SDL's dummy display: every format, keys, and changes in mid-stream. What it looks
 * like on a real one, the system tests see. */
#include "pictures.h"

#include <SDL2/SDL.h>
#include <glob.h>
#include <signal.h>

static sl_sink *open_window(void) {
    sl_sink *sink;
    sl_sink_settings settings;
    sl_sink_settings_init(&settings);
    settings.title = "Test";
    settings.directory = folder;
    assert_int_equal(sl_sink_open(&sink, &settings), 0);
    assert_true(sl_sink_interactive(sink));
    assert_int_equal(sl_sink_output(sink), SL_OUTPUT_PLANES);
    assert_int_equal(sl_sink_idle(sink), 0);
    sl_settings_finish(&settings);
    return sink;
}

static void press(SDL_Keycode pressed) {
    SDL_Event event = {.type = SDL_KEYDOWN};
    event.key.keysym.sym = pressed;
    SDL_PushEvent(&event);
}

/* The colour in the middle of the only window. */
static uint32_t middle(void) {
    SDL_Renderer *renderer = SDL_GetRenderer(SDL_GetWindowFromID(1));
    for (Uint32 id = 2; !renderer && id < 100; id++)
        renderer = SDL_GetRenderer(SDL_GetWindowFromID(id));
    assert_non_null(renderer);
    SDL_Rect place = {.w = 1, .h = 1};
    SDL_GetRendererOutputSize(renderer, &place.x, &place.y);
    place.x /= 2;
    place.y /= 2;
    uint32_t colour = 0;
    assert_int_equal(
        SDL_RenderReadPixels(renderer, &place, SDL_PIXELFORMAT_ARGB8888, &colour, sizeof(colour)),
        0);
    return colour & 0xFFFFFF;
}

static sl_frame *plain(sl_format format, int width, int height, const uint8_t values[3]) {
    sl_frame *frame = picture(format, width, height, 0);
    if (format == SL_FORMAT_BGR) {
        for (int i = 0; i < width * height * 3; i++)
            frame->planes[0][i] = values[i % 3];
        return frame;
    }
    for (int plane = 0; plane < sl_format_planes(format); plane++)
        memset(frame->planes[plane], values[plane],
               frame->strides[plane] * (size_t)sl_plane_height(format, plane, height));
    return frame;
}

static void assert_colour(uint32_t colour, int red, int green, int blue) {
    assert_in_range((colour >> 16) + 4, red, red + 8);
    assert_in_range((colour >> 8 & 0xFF) + 4, green, green + 8);
    assert_in_range((colour & 0xFF) + 4, blue, blue + 8);
}

/* Red in full-range BT.601 is 76, 85, 255. */
static void colours_are_right(void **state) {
    (void)state;
    static const uint8_t red_yuv[] = {76, 85, 255}, red_bgr[] = {0, 0, 255},
                         white[] = {255, 255, 255};
    static const sl_format planar[] = {SL_FORMAT_I420, SL_FORMAT_I422, SL_FORMAT_I444};
    sl_sink *sink = open_window();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(put(sink, plain(planar[i], 321, 241, red_yuv)), 0);
        assert_colour(middle(), 255, 0, 0);
        assert_int_equal(put(sink, plain(SL_FORMAT_GRAY, 320, 240, white)), 0);
        assert_colour(middle(), 255, 255, 255);
    }
    assert_int_equal(put(sink, plain(SL_FORMAT_BGR, 320, 240, red_bgr)), 0);
    assert_colour(middle(), 255, 0, 0);
    assert_int_equal(put(sink, array("uint8", 3, (int64_t[]){240, 320, 4})), 0);
    assert_colour(middle(), 0x55, 0x55, 0x55);
    assert_int_equal(put(sink, array("uint8", 3, (int64_t[]){240, 320, 1})), 0);
    assert_colour(middle(), 0x55, 0x55, 0x55);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void odd_frames_do_no_harm(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 1}, {1, 3}, {5000, 1}, {1, 5000}, {4096, 2160}};
    sl_sink *sink = open_window();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, sizes[i][0], sizes[i][1], 1)), 0);
        assert_int_equal(put(sink, picture(SL_FORMAT_I422, sizes[i][0], sizes[i][1], 1)), 0);
        assert_int_equal(put(sink, picture(SL_FORMAT_I444, sizes[i][0], sizes[i][1], 1)), 0);
        assert_int_equal(put(sink, picture(SL_FORMAT_BGR, sizes[i][0], sizes[i][1], 1)), 0);
    }
    uint64_t dropped = sl_sink_dropped(sink);
    assert_int_equal(put(sink, array("float32", 2, (int64_t[]){4, 4})), 0);
    assert_int_equal(put(sink, array("uint8", 3, (int64_t[]){4, 4, 7})), 0);
    assert_int_equal(sl_sink_dropped(sink), dropped + 2);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void keys_do_what_they_say(void **state) {
    (void)state;
    glob_t found;
    sl_sink *sink = open_window();
    press(SDLK_s); /* nothing to save yet */
    assert_int_equal(sl_sink_idle(sink), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_I420, 320, 240, 1)), 0);
    sl_sink_status(sink, "320x240 · 30.0 frames/s · 12 ms");
    press(SDLK_f);
    press(SDLK_s);
    press(SDLK_f);
    press(SDLK_x);
    assert_int_equal(sl_sink_idle(sink), 0);
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "%s/sightline-*.png", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    struct content content;
    assert_int_equal(read_file(found.gl_pathv[0], &content), 0);
    assert_int_equal(content.packets, 1);
    globfree(&found);
    press(SDLK_q);
    assert_int_equal(sl_sink_idle(sink), SL_EEND);
    sl_sink_idle(sink); /* SDL ends the round that was left at q */
    press(SDLK_ESCAPE);
    assert_int_equal(put(sink, picture(SL_FORMAT_I420, 320, 240, 1)), SL_EEND);
    sl_sink_idle(sink);
    SDL_Event quit = {.type = SDL_QUIT};
    SDL_PushEvent(&quit);
    assert_int_equal(sl_sink_idle(sink), SL_EEND);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void signals_stay_the_hosts(void **state) {
    (void)state;
    struct sigaction action;
    sl_sink *sink = open_window();
    assert_int_equal(sigaction(SIGINT, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void without_a_display_it_says_what_to_do(void **state) {
    (void)state;
    sl_sink *sink;
    setenv("SDL_VIDEODRIVER", "nosuchdriver", 1);
    assert_int_equal(open_sink(&sink, "window", NULL), SL_ESINK);
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    assert_non_null(strstr(sl_error(), "--sink file:"));
}

int main(void) {
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_right),
        cmocka_unit_test(odd_frames_do_no_harm),
        cmocka_unit_test(keys_do_what_they_say),
        cmocka_unit_test(signals_stay_the_hosts),
        cmocka_unit_test(without_a_display_it_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

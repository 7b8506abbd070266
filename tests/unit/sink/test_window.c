/* The window, on SDL's dummy display: every format, keys, several cameras, and changes in
 * mid-stream. What it looks like on a real one, the system tests see. */
#include "fault.h"
#include "pictures.h"
#include "base/clock.h"

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

/* The only window. */
static SDL_Renderer *renderer_of_window(void) {
    SDL_Renderer *renderer = SDL_GetRenderer(SDL_GetWindowFromID(1));
    for (Uint32 id = 2; !renderer && id < 100; id++)
        renderer = SDL_GetRenderer(SDL_GetWindowFromID(id));
    assert_non_null(renderer);
    return renderer;
}

/* The colour at so many hundredths of its width and height. */
static uint32_t colour_at(int across, int down) {
    SDL_Renderer *renderer = renderer_of_window();
    SDL_Rect place = {.w = 1, .h = 1};
    SDL_GetRendererOutputSize(renderer, &place.x, &place.y);
    place.x = place.x * across / 100;
    place.y = place.y * down / 100;
    uint32_t colour = 0;
    assert_int_equal(
        SDL_RenderReadPixels(renderer, &place, SDL_PIXELFORMAT_ARGB8888, &colour, sizeof(colour)),
        0);
    return colour & 0xFFFFFF;
}

static uint32_t middle(void) {
    return colour_at(50, 50);
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

static const uint8_t reds[] = {0, 0, 255}, greens[] = {0, 255, 0}, blues[] = {255, 0, 0};
#define RED   0xFF0000
#define GREEN 0x00FF00
#define BLUE  0x0000FF
#define WHITE 0xFFFFFF

static void put_of(sl_sink *sink, const char *port, int width, const uint8_t bgr[3]) {
    sl_frame *frame = plain(SL_FORMAT_BGR, width, width * 9 / 16, bgr);
    assert_int_equal(sl_frame_set_port(frame, port), 0);
    assert_int_equal(put(sink, frame), 0);
}

/* Lets the window draw until `done` says so. */
#define WAIT_UNTIL(sink, done)                                                                     \
    for (int64_t until_us = sl_now_us() + 20 * SL_SECOND_US; !(done);) {                           \
        assert_true(sl_now_us() < until_us);                                                       \
        assert_int_equal(sl_sink_idle(sink), 0);                                                   \
    }

/* Several cameras share a drawing, so it may come a little later. */
static void assert_shows(sl_sink *sink, int across, int down, uint32_t colour) {
    WAIT_UNTIL(sink, colour_at(across, down) == colour)
}

static void assert_shows_all(sl_sink *sink) {
    assert_shows(sink, 25, 25, RED);
    assert_shows(sink, 75, 25, GREEN);
    assert_shows(sink, 50, 75, BLUE);
}

static sl_sink *open_three(void) {
    sl_sink *sink = open_window();
    put_of(sink, "1", 320, reds);
    put_of(sink, "2", 1280, greens); /* large ones go to the display smaller */
    put_of(sink, "3", 640, blues);
    assert_shows_all(sink);
    return sink;
}

static void press_and_see(sl_sink *sink, SDL_Keycode pressed, uint32_t colour) {
    press(pressed);
    assert_shows(sink, 5, 40, colour); /* where in the grid red is */
}

static void several_stand_side_by_side(void **state) {
    (void)state;
    sl_sink *sink = open_three();
    press_and_see(sink, SDLK_2, GREEN);
    assert_shows(sink, 95, 95, GREEN);
    put_of(sink, "1", 320, blues); /* is not on the screen */
    put_of(sink, "2", 1280, reds);
    press_and_see(sink, SDLK_0, BLUE);
    assert_shows(sink, 75, 25, RED);
    put_of(sink, "2", 1280, greens);
    put_of(sink, "1", 320, reds);
    press_and_see(sink, SDLK_KP_3, BLUE);
    press_and_see(sink, SDLK_9, BLUE); /* there is none */
    press_and_see(sink, SDLK_RIGHT, RED);
    press_and_see(sink, SDLK_LEFT, BLUE);
    press_and_see(sink, SDLK_UP, GREEN);
    press(SDLK_ESCAPE);
    assert_shows_all(sink);
    press(SDLK_ESCAPE);
    assert_int_equal(sl_sink_idle(sink), SL_EEND);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void click_at(int across, int down, Uint8 button) {
    SDL_Event event = {.type = SDL_MOUSEBUTTONDOWN};
    SDL_GetRendererOutputSize(renderer_of_window(), &event.button.x, &event.button.y);
    event.button.x = event.button.x * across / 100;
    event.button.y = event.button.y * down / 100;
    event.button.button = button;
    SDL_PushEvent(&event);
}

static void clicks_enlarge(void **state) {
    (void)state;
    sl_sink *sink = open_three();
    click_at(1, 99, SDL_BUTTON_LEFT); /* beside the pictures */
    click_at(75, 25, SDL_BUTTON_RIGHT);
    assert_int_equal(sl_sink_idle(sink), 0);
    assert_shows_all(sink);
    click_at(75, 25, SDL_BUTTON_LEFT);
    assert_shows(sink, 5, 40, GREEN);
    click_at(50, 50, SDL_BUTTON_LEFT);
    assert_shows_all(sink);
    assert_int_equal(sl_sink_close(&sink), 0);
}

/* Two that send, and one that is in that state. */
static void tell_of(sl_sink *sink, sl_view_state third) {
    sl_camera_view views[] = {
        {.port = "1", .id = "one", .name = "one", .latency = {.last = 5}},
        {.port = "2", .id = "two", .name = "two", .latency = {.last = -1}},
        {.port = "3", .id = "three", .name = "three", .state = third, .last_us = 1},
    };
    views[2].since_us = sl_utc_us();
    sl_sink_tell(sink, views, 3);
}

static bool is_grey(uint32_t colour) {
    return (colour & 0xFF) == (colour >> 8 & 0xFF) && (colour & 0xFF) == colour >> 16;
}

static void stale_pictures_are_grey_and_say_so(void **state) {
    (void)state;
    static const sl_view_state stale[] = {SL_VIEW_SILENT, SL_VIEW_LOST, SL_VIEW_GONE};
    sl_sink *sink = open_three();
    for (size_t i = 0; i < 3; i++) {
        tell_of(sink, stale[i]);
        while (!is_grey(colour_at(30, 55)))
            assert_int_equal(sl_sink_idle(sink), 0);
        assert_shows(sink, 25, 25, RED); /* the others aren't */
        tell_of(sink, SL_VIEW_LIVE);
        assert_shows_all(sink);
    }
    tell_of(sink, SL_VIEW_SILENT);
    put_of(sink, "3", 640, reds); /* the end of silence */
    assert_shows(sink, 50, 75, RED);
    assert_int_equal(sl_sink_close(&sink), 0);
}

/* How many pixels of the window are white: letters. */
static int white_pixels(void) {
    static uint32_t pixels[4096 * 2160];
    int width, height, count = 0;
    SDL_GetRendererOutputSize(renderer_of_window(), &width, &height);
    assert_true(width * height <= 4096 * 2160);
    assert_int_equal(SDL_RenderReadPixels(renderer_of_window(), NULL, SDL_PIXELFORMAT_ARGB8888,
                                          pixels, width * 4),
                     0);
    for (int i = 0; i < width * height; i++)
        count += (pixels[i] & 0xFFFFFF) == WHITE;
    return count;
}

static void lines_are_shown_when_asked_for(void **state) {
    (void)state;
    sl_sink *sink = open_three();
    tell_of(sink, SL_VIEW_LIVE);
    assert_shows_all(sink);
    assert_int_equal(white_pixels(), 0);
    press(SDLK_i);
    WAIT_UNTIL(sink, white_pixels() >= 500)
    press(SDLK_i);
    WAIT_UNTIL(sink, white_pixels() == 0)
    assert_int_equal(sl_sink_close(&sink), 0);
}

static size_t count_files(const char *ending) {
    glob_t found;
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "%s/sightline-*%s.png", folder, ending);
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

static void saves_what_is_shown(void **state) {
    (void)state;
    sl_sink *sink = open_three();
    press(SDLK_s); /* before anybody told who they are */
    WAIT_UNTIL(sink, count_files("-3") == 1)
    assert_int_equal(count_files("-1"), 1);
    tell_of(sink, SL_VIEW_GONE);
    press(SDLK_s);
    WAIT_UNTIL(sink, count_files("-two") == 1)
    assert_int_equal(count_files("-one"), 1);
    press(SDLK_3);
    press(SDLK_s);
    press(SDLK_q); /* all that was asked for is saved */
    assert_int_equal(sl_sink_idle(sink), SL_EEND);
    assert_int_equal(count_files("-three"), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(count_files("-three"), 1);
    assert_int_equal(count_files("-two"), 1);
}

static void a_full_house_does_no_harm(void **state) {
    (void)state;
    char port[16];
    sl_sink *sink = open_window();
    press(SDLK_i);
    for (int i = 0; i < 3 * SL_VIEWS_MAX; i++) {
        snprintf(port, sizeof(port), "%d", i % 100);
        put_of(sink, port, 64 + i, reds); /* another size each time */
    }
    press(SDLK_RIGHT);
    sl_sink_status(sink, "");
    SDL_Event reset = {.type = SDL_RENDER_DEVICE_RESET};
    SDL_PushEvent(&reset);
    assert_int_equal(sl_sink_idle(sink), 0);
    assert_int_equal(sl_sink_dropped(sink), 0);
    sl_sink_tell(sink, NULL, 0);
    sl_sink_status(sink, "");
    assert_int_equal(sl_sink_close(&sink), 0);
}

/* A frame that there is no memory for is dropped, and the next one shown. */
static void without_memory_it_goes_on(void **state) {
    (void)state;
    sl_frame *first = picture(SL_FORMAT_GRAY, 64, 36, 0),
             *second = picture(SL_FORMAT_BGR, 64, 36, 0);
    assert_int_equal(sl_frame_set_port(second, "2"), 0);
    for (int nth = 0; fault_next(nth); nth++) {
        sl_sink *sink;
        int code = open_sink(&sink, "window", NULL);
        assert_true(code == SL_OK || (code == SL_ENOMEM && fault_happened()));
        if (code < 0)
            continue;
        assert_int_equal(sl_sink_write(sink, first), 0);
        assert_int_equal(sl_sink_write(sink, second), 0);
        tell_of(sink, SL_VIEW_LOST);
        assert_int_equal(sl_sink_idle(sink), 0);
        assert_true(sl_sink_dropped(sink) == 0 || fault_happened());
        assert_int_equal(sl_sink_close(&sink), 0);
    }
    sl_frame_unref(&first);
    sl_frame_unref(&second);
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
        cmocka_unit_test(several_stand_side_by_side),
        cmocka_unit_test(clicks_enlarge),
        cmocka_unit_test(stale_pictures_are_grey_and_say_so),
        cmocka_unit_test(lines_are_shown_when_asked_for),
        cmocka_unit_test(saves_what_is_shown),
        cmocka_unit_test(a_full_house_does_no_harm),
        cmocka_unit_test(without_memory_it_goes_on),
        cmocka_unit_test(signals_stay_the_hosts),
        cmocka_unit_test(without_a_display_it_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

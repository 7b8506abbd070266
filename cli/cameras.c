/* cli: `sightline cameras`, what cameras there are. */
#include "command.h"
#include "console.h"
#include "options.h"

#include <jansson.h>
#include <sightline/camera.h>
#include <sightline/error.h>
#include <stdio.h>

static json_t *text(const char *value) {
    json_t *made = value[0] ? json_string(value) : json_null();
    return made ? made : json_null();
}

static json_t *modes_of(const sl_camera *camera) {
    json_t *modes = json_array();
    for (size_t i = 0; i < camera->mode_count; i++) {
        const sl_camera_mode *mode = &camera->modes[i];
        json_t *object = json_object();
        json_object_set_new(object, "format", text(mode->format));
        json_object_set_new(object, "width", json_integer(mode->width));
        json_object_set_new(object, "height", json_integer(mode->height));
        json_object_set_new(object, "fps", mode->fps > 0 ? json_real(mode->fps) : json_null());
        json_array_append_new(modes, object);
    }
    return modes;
}

static void print_json(const sl_camera_list *list) {
    json_t *cameras = json_array(), *all = json_object();
    for (size_t i = 0; i < list->count; i++) {
        const sl_camera *camera = &list->cameras[i];
        json_t *object = json_object();
        json_object_set_new(object, "device", text(camera->device));
        json_object_set_new(object, "index", json_integer(camera->index));
        json_object_set_new(object, "name", text(camera->name));
        json_object_set_new(object, "problem", text(camera->problem));
        json_object_set_new(object, "modes", modes_of(camera));
        json_array_append_new(cameras, object);
    }
    json_object_set_new(all, "cameras", cameras);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

static void print_lines(const sl_camera_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const sl_camera *camera = &list->cameras[i];
        printf("%d  %s  %s\n", camera->index, camera->device, camera->name);
        if (camera->problem[0])
            printf("   %s\n", camera->problem);
        for (size_t m = 0; m < camera->mode_count; m++) {
            const sl_camera_mode *mode = &camera->modes[m];
            printf("   %-12s %5dx%-5d", mode->format, mode->width, mode->height);
            if (mode->fps > 0)
                printf(" up to %g frames/s", mode->fps);
            putchar('\n');
        }
    }
}

static int list_cameras(struct options *options) {
    sl_camera_list *list;
    int code = sl_camera_list_open(&list);
    if (code < 0) {
        console_fail("%s", sl_error());
        return exit_code(code);
    }
    if (list->count == 0)
        console_say("%s", sl_error());
    if (options->json)
        print_json(list);
    else
        print_lines(list);
    sl_camera_list_close(&list);
    if (fflush(stdout) == 0)
        return EXIT_DONE;
    console_fail("cannot write the list of cameras");
    return EXIT_OTHER;
}

int run_cameras(int count, char **words) {
    return run_with_options(count, words, FOR_CAMERAS, list_cameras);
}

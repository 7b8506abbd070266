/*
 * A camera for programs that take Y4M: what a source gives, at its own pace and with the time of
 * capture in each picture, on standard output, until nobody reads there any more.
 *
 *   bench-film SOURCE [KEY=VALUE…]
 */
#include "bench.h"
#include "bench_settings.h"

#include <sightline/sightline.h>

int main(int argc, char **argv) {
    sl_source_settings settings;
    sl_sink_settings output;
    sl_source *source;
    sl_sink *sink;
    sl_frame *frame;
    if (argc < 2)
        bench_fail("usage: bench-film SOURCE [KEY=VALUE…]");
    sl_source_settings_init(&settings);
    bench_set(&settings, argc - 2, argv + 2);
    settings.source = argv[1];
    settings.timecode = true;
    settings.deliver = SL_DELIVER_PIXELS;
    bench_check(sl_source_open(&source, &settings), argv[1]);
    sl_sink_settings_init(&output);
    output.sink = "-";
    output.fps = sl_source_fps(source);
    bench_check(sl_sink_open(&sink, &output), "standard output");
    int result = SL_OK;
    while (result == SL_OK && (result = sl_source_read(source, &frame, -1)) == SL_OK) {
        result = sl_sink_write(sink, frame);
        sl_frame_unref(&frame);
    }
    if (result != SL_EEND)
        bench_check(result, argv[1]);
    sl_sink_close(&sink);
    sl_source_close(&source);
    sl_settings_finish(&output);
    sl_settings_finish(&settings);
    return 0;
}

/* What goes into a local socket, asked for at its other end. */
#include "base/meter.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static struct sockaddr_un place;

static int new_socket(void) {
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    return descriptor;
}

static int listen_there(void) {
    int descriptor = new_socket();
    place.sun_family = AF_UNIX;
    snprintf(place.sun_path, sizeof(place.sun_path), "/tmp/sightline-meter-%d", (int)getpid());
    unlink(place.sun_path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(listen(descriptor, 4), 0);
    return descriptor;
}

static void connect_there(int descriptor) {
    assert_int_equal(connect(descriptor, (struct sockaddr *)&place, sizeof(place)), 0);
}

static void stop_listening(int descriptor) {
    close(descriptor);
    unlink(place.sun_path);
}

static uint64_t read_there(int descriptor) {
    uint64_t bytes = UINT64_MAX;
    assert_true(sl_meter_read(descriptor, &bytes));
    return bytes;
}

static void each_who_connects_has_a_meter(void **state) {
    (void)state;
    int listening = listen_there(), near[2], far[2];
    sl_meter *meter[2];
    uint64_t bytes;
    for (size_t i = 0; i < 2; i++) {
        near[i] = new_socket();
        assert_int_equal(sl_meter_name_socket(near[i]), SL_OK);
        connect_there(near[i]);
        far[i] = accept(listening, NULL, NULL);
        assert_false(sl_meter_read(far[i], &bytes));
        assert_int_equal(sl_meter_open(&meter[i], near[i]), SL_OK);
        assert_int_equal(read_there(far[i]), 0);
        sl_meter_add(meter[i], 100 * (i + 1));
    }
    sl_meter_add(meter[0], SIZE_MAX >> 1);
    assert_int_equal(read_there(far[0]), 100 + (SIZE_MAX >> 1));
    assert_int_equal(read_there(far[1]), 200);
    sl_meter_close(&meter[0]);
    assert_null(meter[0]);
    assert_false(sl_meter_read(far[0], &bytes));
    close(near[1]);
    assert_int_equal(read_there(far[1]), 200);
    sl_meter_close(&meter[1]);
    close(near[0]);
    close(far[0]);
    close(far[1]);
    stop_listening(listening);
}

static void all_who_are_accepted_share_one(void **state) {
    (void)state;
    int listening = listen_there(), near[2], far[2];
    sl_meter *place_meter, *meter[2];
    uint64_t bytes;
    assert_int_equal(sl_meter_open(&place_meter, listening), SL_OK);
    for (size_t i = 0; i < 2; i++) {
        far[i] = new_socket();
        connect_there(far[i]);
        near[i] = accept(listening, NULL, NULL);
        assert_int_equal(sl_meter_open(&meter[i], near[i]), SL_OK);
        sl_meter_add(meter[i], 100);
    }
    assert_int_equal(read_there(far[0]), 200);
    assert_int_equal(read_there(far[1]), 200);
    for (size_t i = 0; i < 2; i++) {
        sl_meter_close(&meter[i]);
        close(near[i]);
    }
    assert_int_equal(read_there(far[1]), 200);
    sl_meter_close(&place_meter);
    assert_false(sl_meter_read(far[1], &bytes));
    close(far[0]);
    close(far[1]);
    stop_listening(listening);
}

static void sockets_without_a_name_have_none(void **state) {
    (void)state;
    int pair[2];
    uint64_t bytes;
    sl_meter *meter;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(sl_meter_open(&meter, pair[0]), SL_ESYSTEM);
    assert_null(meter);
    sl_meter_close(&meter);
    assert_false(sl_meter_read(pair[1], &bytes));
    assert_false(sl_meter_read(-1, &bytes));
    assert_int_equal(sl_meter_name_socket(-1), SL_ESYSTEM);
    close(pair[0]);
    close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_who_connects_has_a_meter),
        cmocka_unit_test(all_who_are_accepted_share_one),
        cmocka_unit_test(sockets_without_a_name_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is said about JPEGs: real ones, and such as no peer should get. */
#include "source/jpeg.h"
#include "footage.h"

#define PHOTO OPENCV_DATA "fruits.jpg" /* 512x480 */
#define GRAY  OPENCV_DATA "left01.jpg" /* 640x480 */

static sl_jpeg_verdict inspect(const uint8_t *data, size_t size, sl_jpeg_facts *facts) {
    /* A copy of exactly that size, so that a sanitizer sees any step beyond it. */
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    sl_jpeg_verdict verdict = sl_jpeg_inspect(copy, size, facts);
    free(copy);
    return verdict;
}

/* The first marker segment of that kind. */
static uint8_t *find_marker(uint8_t *data, size_t size, uint8_t marker) {
    for (size_t i = 0; i + 1 < size; i++)
        if (data[i] == 0xff && data[i + 1] == marker)
            return data + i;
    fail_msg("there is no marker %x", marker);
    return NULL;
}

static void knows_photos(void **state) {
    (void)state;
    size_t size;
    sl_jpeg_facts facts;
    uint8_t *data = load(PHOTO, &size);
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_PLAIN);
    assert_int_equal(facts.width, 512);
    assert_int_equal(facts.height, 480);
    assert_true(facts.tables);
    assert_int_equal(facts.size, size);
    free(data);
    data = load(GRAY, &size);
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_PLAIN);
    free(data);
}

static void cuts_what_follows_the_end(void **state) {
    (void)state;
    size_t size;
    sl_jpeg_facts facts;
    uint8_t *data = load(PHOTO, &size);
    uint8_t *padded = calloc(1, size + 4000);
    assert_non_null(padded);
    memcpy(padded, data, size);
    assert_int_equal(inspect(padded, size + 4000, &facts), SL_JPEG_PLAIN);
    assert_int_equal(facts.size, size);
    free(padded);
    free(data);
}

static void rejects_pieces(void **state) {
    (void)state;
    size_t size;
    sl_jpeg_facts facts;
    uint8_t *data = load(PHOTO, &size);
    for (size_t cut = 0; cut < 2000; cut++)
        assert_int_equal(inspect(data, cut, &facts), SL_JPEG_BROKEN);
    assert_int_equal(inspect(data, size - 2, &facts), SL_JPEG_BROKEN);
    assert_int_equal(inspect((const uint8_t *)"GIF89a", 6, &facts), SL_JPEG_BROKEN);
    free(data);
}

static void keeps_special_ones_here(void **state) {
    (void)state;
    size_t size;
    sl_jpeg_facts facts;
    uint8_t *data = load(PHOTO, &size);
    uint8_t *frame = find_marker(data, size, 0xc0);
    frame[4] = 12; /* bits */
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_SPECIAL);
    frame[4] = 8;
    frame[11] = 0x41; /* 4:1:1 */
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_SPECIAL);
    frame[11] = 0x22;
    /* 4:2:2 as some write it */
    frame[14] = frame[17] = 0x12;
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_PLAIN);
    frame[14] = frame[17] = 0x11;
    frame[10] = 'R', frame[13] = 'G', frame[16] = 'B';
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_SPECIAL);
    frame[10] = 1, frame[13] = 2, frame[16] = 3;
    frame[5] = frame[6] = 0; /* no height */
    assert_int_equal(inspect(data, size, &facts), SL_JPEG_BROKEN);
    free(data);
}

static void heeds_adobe_and_fields(void **state) {
    (void)state;
    static const uint8_t adobe_rgb[] = {0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b',
                                        'e',  0,    0, 0,  0,   0,   0,   0};
    static const uint8_t field[] = {0xff, 0xe0, 0, 7, 'A', 'V', 'I', '1', 1};
    static const uint8_t limited[] = {0xff, 0xfe, 0,   11,  'C', 'S', '=',
                                      'I',  'T',  'U', '6', '0', '1'};
    const struct {
        const uint8_t *segment;
        size_t size;
    } cases[] = {
        {adobe_rgb, sizeof(adobe_rgb)}, {field, sizeof(field)}, {limited, sizeof(limited)}};
    size_t size;
    sl_jpeg_facts facts;
    uint8_t *data = load(PHOTO, &size);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *made = malloc(size + 32);
        assert_non_null(made);
        memcpy(made, data, 2);
        memcpy(made + 2, cases[i].segment, cases[i].size);
        memcpy(made + 2 + cases[i].size, data + 2, size - 2);
        assert_int_equal(inspect(made, size + cases[i].size, &facts), SL_JPEG_SPECIAL);
        free(made);
    }
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_photos),           cmocka_unit_test(cuts_what_follows_the_end),
        cmocka_unit_test(rejects_pieces),         cmocka_unit_test(keeps_special_ones_here),
        cmocka_unit_test(heeds_adobe_and_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

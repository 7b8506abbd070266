/* Settings by name: defaults, every type of option, ranges, unknown names, files, copies. */
#include "base/settings.h"
#include "base/error.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct part {
    int quality, tries, pattern, parsed;
    double timeout_s;
    bool loop;
    const char *address, *file;
    sl_size size;
};

struct whole {
    sl_settings settings;
    int between;
    struct part part;
};

static int parse_even(void *field, const char *value) {
    int number = atoi(value);
    if (number == 13)
        return sl_fail(SL_EINVAL, "thirteen brings bad luck");
    if (number % 2)
        return SL_EINVAL;
    *(int *)field = number;
    return 0;
}

static const char *const patterns[] = {"pair|0", "reqrep|1", "pubsub|2", NULL};

#define AT(field) offsetof(struct part, field)
static const sl_option options[] = {
    {"jpeg_quality", SL_OPTION_INT, AT(quality), 10, 100, NULL, NULL, "90", NULL, "Quality"},
    {"tries", SL_OPTION_INT, AT(tries), 0, INT_MAX, NULL, NULL, "-1", NULL, "Tries"},
    {"timeout", SL_OPTION_NUMBER, AT(timeout_s), 4, 1e10, NULL, NULL, "4.5", NULL, "Timeout"},
    {"loop", SL_OPTION_BOOL, AT(loop), 0, 0, NULL, NULL, "true", NULL, "Loop"},
    {"address", SL_OPTION_STRING, AT(address), 0, 0, NULL, NULL, "localhost", NULL, "Where"},
    {"file", SL_OPTION_STRING, AT(file), 0, 0, NULL, NULL, NULL, NULL, "What"},
    {"pattern", SL_OPTION_CHOICE, AT(pattern), 0, 0, patterns, NULL, "reqrep", NULL, "How"},
    {"size", SL_OPTION_SIZE, AT(size), 0, 0, NULL, NULL, NULL, NULL, "Size"},
    {"even", SL_OPTION_PARSED, AT(parsed), 0, 0, NULL, parse_even, "8", "an even number", "Even"},
};

static const sl_option_group groups[] = {
    {"Part", options, SL_COUNT(options), offsetof(struct whole, part)},
    {NULL, NULL, 0, 0},
};

static struct whole fresh(void) {
    struct whole whole;
    sl_settings_init(&whole, sizeof(whole), groups);
    return whole;
}

static void defaults_come_from_the_table(void **state) {
    (void)state;
    struct whole whole = fresh();
    assert_int_equal(whole.part.quality, 90);
    assert_int_equal(whole.part.tries, -1);
    assert_true(whole.part.timeout_s == 4.5);
    assert_true(whole.part.loop);
    assert_string_equal(whole.part.address, "localhost");
    assert_null(whole.part.file);
    assert_int_equal(whole.part.pattern, 1);
    assert_int_equal(whole.part.parsed, 8);
    assert_int_equal(whole.part.size.width, 0);
    assert_ptr_equal(sl_settings_find(&whole, "size"), &options[7]);
    assert_null(sl_settings_find(&whole, "sizes"));
    assert_ptr_equal(sl_settings_groups(&whole), groups);
    sl_settings_finish(&whole);
}

static void takes_values_of_every_type(void **state) {
    (void)state;
    struct whole whole = fresh();
    assert_int_equal(sl_settings_set(&whole, "jpeg_quality", "87.9"), 0);
    assert_int_equal(whole.part.quality, 87);
    assert_int_equal(sl_settings_set(&whole, "timeout", "12.25"), 0);
    assert_true(whole.part.timeout_s == 12.25);
    assert_int_equal(sl_settings_set(&whole, "loop", "No"), 0);
    assert_false(whole.part.loop);
    assert_int_equal(sl_settings_set(&whole, "pattern", "PubSub"), 0);
    assert_int_equal(whole.part.pattern, 2);
    assert_int_equal(sl_settings_set(&whole, "pattern", "0"), 0);
    assert_int_equal(whole.part.pattern, 0);
    assert_int_equal(sl_settings_set(&whole, "size", "1280x720"), 0);
    assert_int_equal(whole.part.size.width, 1280);
    assert_int_equal(whole.part.size.height, 720);
    assert_int_equal(sl_settings_set(&whole, "even", "12"), 0);
    assert_int_equal(whole.part.parsed, 12);
    char value[] = "a file";
    assert_int_equal(sl_settings_set(&whole, "file", value), 0);
    value[0] = 'x';
    assert_string_equal(whole.part.file, "a file");
    sl_settings_finish(&whole);
}

static void refused(const char *name, const char *value, const char *sentence) {
    struct whole whole = fresh();
    assert_int_equal(sl_settings_set(&whole, name, value), SL_EINVAL);
    assert_string_equal(sl_error(), sentence);
    struct whole untouched = fresh();
    assert_memory_equal(&whole.part, &untouched.part, sizeof(whole.part));
}

static void names_option_and_range(void **state) {
    (void)state;
    refused("jpeg_quality", "900", "jpeg_quality must be from 10 to 100, not 900");
    refused("jpeg_quality", "9.9", "jpeg_quality must be from 10 to 100, not 9.9");
    refused("jpeg_quality", "high", "jpeg_quality must be a number from 10 to 100, not \"high\"");
    refused("jpeg_quality", "", "jpeg_quality must be a number from 10 to 100, not \"\"");
    refused("jpeg_quality", "0x20", "jpeg_quality must be a number from 10 to 100, not \"0x20\"");
    refused("tries", "-1", "tries must be at least 0, not -1");
    refused("tries", "1e12", "tries must be from 0 to 2147483647, not 1e12");
    refused("tries", "-1e12", "tries must be at least 0, not -1e12");
    refused("timeout", "1e12", "timeout must be from 4 to 10000000000, not 1e12");
    refused("timeout", "nan", "timeout must be a number at least 4, not \"nan\"");
    refused("timeout", "1e999", "timeout must be a number at least 4, not \"1e999\"");
    refused("loop", "maybe", "loop must be true or false, not \"maybe\"");
    refused("pattern", "3", "pattern must be pair, reqrep or pubsub, not \"3\"");
    refused("pattern", "", "pattern must be pair, reqrep or pubsub, not \"\"");
    refused("pattern", "pair|0", "pattern must be pair, reqrep or pubsub, not \"pair|0\"");
    refused("size", "1280", "size must be WIDTHxHEIGHT, such as 1280x720, not \"1280\"");
    refused("size", "0x720", "size must be WIDTHxHEIGHT, such as 1280x720, not \"0x720\"");
    refused("size", "99999x9", "size must be WIDTHxHEIGHT, such as 1280x720, not \"99999x9\"");
    refused("even", "7", "even must be an even number, not \"7\"");
    refused("even", "13", "even: thirteen brings bad luck");
}

static void unknown_names_get_the_nearest(void **state) {
    (void)state;
    refused("adress", "x", "there is no option \"adress\"; did you mean address?");
    refused("jpeg_qualtiy", "50",
            "there is no option \"jpeg_qualtiy\"; did you mean jpeg_quality?");
    refused("zzzzzzzzzz", "x", "there is no option \"zzzzzzzzzz\"");
}

static void copies_own_their_strings(void **state) {
    (void)state;
    struct whole copy;
    char direct[] = "direct";
    {
        struct whole whole = fresh();
        assert_int_equal(sl_settings_set(&whole, "file", "by name"), 0);
        whole.part.address = direct;
        assert_int_equal(sl_settings_copy(&copy, &whole, sizeof(whole)), 0);
        sl_settings_finish(&whole);
        direct[0] = 'x';
    }
    assert_string_equal(copy.part.file, "by name");
    assert_string_equal(copy.part.address, "direct");
    sl_settings_finish(&copy);
}

static int load(struct whole *whole, const char *text) {
    char path[] = "/tmp/sightline-settings-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    void *all[] = {whole};
    int code = sl_settings_load(all, 1, path);
    unlink(path);
    return code;
}

static void reads_files(void **state) {
    (void)state;
    struct whole whole = fresh();
    assert_int_equal(load(&whole, "# mine\n\n jpeg_quality = 55 # low\naddress=host#1\r\nsize=8x8"),
                     0);
    assert_int_equal(whole.part.quality, 55);
    assert_string_equal(whole.part.address, "host#1");
    assert_int_equal(whole.part.size.height, 8);
    assert_int_equal(load(&whole, "tries = 1\n\nqualty\n"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "line 3: \"qualty\" is not a line like name = value"));
    assert_int_equal(load(&whole, "jpeg_quality = 5\n"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "line 1: jpeg_quality must be from 10 to 100, not 5"));
    void *all[] = {&whole};
    assert_int_equal(sl_settings_load(all, 1, "/nowhere/at/all"), SL_ESYSTEM);
    assert_int_equal(sl_settings_load(all, 1, "/"), SL_EINVAL);
    sl_settings_finish(&whole);
}

static void files_without_end_are_refused(void **state) {
    (void)state;
    struct whole whole = fresh();
    void *all[] = {&whole};
    assert_int_equal(sl_settings_load(all, 1, "/dev/full"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "/dev/full is not a regular file"));
    static char text[2 * 1048576];
    memset(text, '\n', sizeof(text) - 1);
    assert_int_equal(load(&whole, text), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "has more than 1048576 bytes"));
    memset(text, ' ', 1000000);
    memcpy(text, "address=a\n", 10);
    text[1000000] = '\0';
    assert_int_equal(load(&whole, text), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "line 2: it is longer than 4094 bytes"));
    text[4104] = '\0';
    assert_int_equal(load(&whole, text), 0);
    sl_settings_finish(&whole);
}

static void what_is_not_understood_is_cut(void **state) {
    (void)state;
    struct whole whole = fresh();
    char text[200];
    memset(text, 'z', sizeof(text));
    text[199] = '\0';
    assert_int_equal(load(&whole, text), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "line 1: \"zzzzz"));
    assert_non_null(strstr(sl_error(), "zzzzz…\" is not a line"));
    assert_null(strstr(sl_error(), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"));
    text[100] = '=';
    assert_int_equal(load(&whole, text), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "there is no option \"zzzzz"));
    assert_null(strstr(sl_error(), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"));
    sl_settings_finish(&whole);
}

static void offers_to_each_that_knows(void **state) {
    (void)state;
    struct whole first = fresh(), second = fresh();
    void *all[] = {&first, &second};
    assert_int_equal(sl_settings_offer(all, 2, "jpeg_quality", "20"), 0);
    assert_int_equal(first.part.quality, 20);
    assert_int_equal(second.part.quality, 20);
    assert_int_equal(sl_settings_offer(all, 2, "qualty", "20"), SL_EINVAL);
    assert_int_equal(sl_settings_offer(all, 2, "jpeg_quality", "2"), SL_EINVAL);
}

static void mistyped_words_have_a_nearest_one(void **state) {
    (void)state;
    static const char *const words[] = {"send", "view", "viewer"};
    assert_string_equal(sl_settings_nearest("veiw", words, 3), "view");
    assert_string_equal(sl_settings_nearest("seend", words, 3), "send");
    assert_null(sl_settings_nearest("watch", words, 3));
    assert_null(sl_settings_nearest("", words, 3));
    assert_null(sl_settings_nearest("send", words, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_come_from_the_table),
        cmocka_unit_test(takes_values_of_every_type),
        cmocka_unit_test(names_option_and_range),
        cmocka_unit_test(unknown_names_get_the_nearest),
        cmocka_unit_test(mistyped_words_have_a_nearest_one),
        cmocka_unit_test(copies_own_their_strings),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(files_without_end_are_refused),
        cmocka_unit_test(what_is_not_understood_is_cut),
        cmocka_unit_test(offers_to_each_that_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

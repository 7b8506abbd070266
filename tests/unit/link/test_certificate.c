/* Certificates as pyzmq, czmq and we write them, and as nobody should. */
#include "base/error.h"
#include "link/certificate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A pair that belongs together; the first has a '#' and a '=' in it. */
#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

static int parse(sl_certificate *certificate, const char *text) {
    return sl_certificate_parse(certificate, text, strlen(text));
}

static const char by_pyzmq[] = "#   ****  Generated on 2024-05-01 10:00:00 by pyzmq  ****\n"
                               "#   ZeroMQ CURVE **Secret** Certificate\n"
                               "\n"
                               "metadata\n"
                               "    name = camera\n"
                               "curve\n"
                               "    public-key = \"" PUBLIC "\"\n"
                               "    secret-key = \"" SECRET "\"\n";

static void files_of_others_are_read(void **state) {
    (void)state;
    static const char *const good[] = {
        by_pyzmq,
        "curve\r\n    secret-key = '" SECRET "'   # mine\r\n    public-key='" PUBLIC "'\r\n",
        "curve\n\tpublic-key = " PUBLIC "\n\tsecret-key = " SECRET,
        "metadata\n    public-key = \"none\"\ncurve    # keys\n    public-key = \"" PUBLIC
        "\"\n    other = 1\n    secret-key = \"" SECRET "\"\nmore\n    public-key = x\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sl_certificate certificate;
        if (parse(&certificate, good[i]))
            fail_msg("%zu: %s", i, sl_error());
        assert_string_equal(certificate.public_key, PUBLIC);
        assert_string_equal(certificate.secret_key, SECRET);
    }
}

static void wrong_ones_are_refused_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "no public-key"},
        {"public-key = \"" PUBLIC "\"\n", "no public-key"},
        {"metadata\n    public-key = \"" PUBLIC "\"\n", "no public-key"},
        {"curve\n    secret-key = \"" SECRET "\"\n", "no public-key"},
        {"curve\n    public-key\n", "no value"},
        {"curve\n    public-key = \"\"\n", "40 characters"},
        {"curve\n    public-key = \"" PUBLIC "x\"\n", "40 characters"},
        {"curve\n    public-key = \"" PUBLIC "\n", "40 characters"},
        {"curve\n    public-key = \"" PUBLIC "\" more\n", "40 characters"},
        {"curve\n    public-key = \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\n", "damaged"},
        {"curve\n    public-key = \"########################################\"\n", "damaged"},
        {"curve\n    public-key = \"" PUBLIC "\"\n    public-key = \"" PUBLIC "\"\n", "two of"},
        {"curve\n    public-key = \"" SECRET "\"\n    secret-key = \"" SECRET "\"\n", "together"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sl_certificate certificate;
        assert_int_equal(parse(&certificate, bad[i].text), SL_EINVAL);
        if (!strstr(sl_error(), bad[i].why))
            fail_msg("%zu: %s", i, sl_error());
        assert_string_equal(certificate.public_key, "");
        assert_string_equal(certificate.secret_key, "");
    }
}

static void every_beginning_of_one_is_safe(void **state) {
    (void)state;
    for (size_t size = 0; size < sizeof by_pyzmq; size++) {
        sl_certificate certificate;
        int code = sl_certificate_parse(&certificate, by_pyzmq, size);
        assert_true(code == SL_OK || code == SL_EINVAL);
    }
}

static void new_ones_are_read_back(void **state) {
    (void)state;
    char text[SL_CERTIFICATE_BYTES_MAX];
    sl_certificate made, read;
    assert_int_equal(sl_certificate_new(&made), SL_OK);
    size_t size = sl_certificate_write(&made, true, text);
    assert_int_equal(sl_certificate_parse(&read, text, size), SL_OK);
    assert_memory_equal(&made, &read, sizeof made);
    size = sl_certificate_write(&made, false, text);
    assert_null(strstr(text, made.secret_key));
    assert_int_equal(sl_certificate_parse(&read, text, size), SL_OK);
    assert_string_equal(read.public_key, made.public_key);
    assert_string_equal(read.secret_key, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_others_are_read),
        cmocka_unit_test(wrong_ones_are_refused_with_a_reason),
        cmocka_unit_test(every_beginning_of_one_is_safe),
        cmocka_unit_test(new_ones_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

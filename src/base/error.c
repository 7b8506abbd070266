/* base: error codes, and the sentence of each thread's last failure. */
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_SIZE 512

static _Thread_local char last_sentence[SENTENCE_SIZE];

const char *sl_strerror(int code) {
    switch (code) {
    case SL_OK:
        return "no error";
#define SENTENCE(name, value, sentence)                                                            \
    case SL_##name:                                                                                \
        return sentence;
        SL_ERROR_MAP(SENTENCE)
#undef SENTENCE
    default:
        return "an unknown error";
    }
}

const char *sl_error_name(int code) {
    switch (code) {
    case SL_OK:
        return "SL_OK";
#define NAME(name, value, sentence)                                                                \
    case SL_##name:                                                                                \
        return "SL_" #name;
        SL_ERROR_MAP(NAME)
#undef NAME
    default:
        return "SL_UNKNOWN";
    }
}

const char *sl_error(void) {
    return last_sentence[0] ? last_sentence : sl_strerror(SL_OK);
}

int sl_fail(int code, const char *format, ...) {
    int saved_errno = errno;
    /* Formatted aside first: an argument may be the sentence before this one. */
    char sentence[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    sl_text_harmless(sentence);
    memcpy(last_sentence, sentence, sizeof(last_sentence));
    errno = saved_errno;
    return code;
}

int sl_fail_memory(void) {
    return sl_fail(SL_ENOMEM, "%s", sl_strerror(SL_ENOMEM));
}

void sl_error_clear(void) {
    last_sentence[0] = '\0';
}

bool sl_error_said(void) {
    return last_sentence[0] != '\0';
}

/* Error codes, and the sentence that goes with the last failure. */
#ifndef SIGHTLINE_ERROR_H
#define SIGHTLINE_ERROR_H

#include <sightline/export.h>

/* Every code once: name, value, what it says when nobody could say more. */
#define SL_ERROR_MAP(XX)                                                                           \
    XX(EINVAL, -1, "an argument or option has a value that is not allowed")                        \
    XX(ENOMEM, -2, "out of memory")                                                                \
    XX(ESYSTEM, -3, "the operating system refused a call")                                         \
    XX(EAGAIN, -4, "nothing is there yet")                                                         \
    XX(ECANCELED, -5, "cancelled")                                                                 \
    XX(EEND, -6, "the stream has ended")                                                           \
    XX(ESOURCE, -7, "the source failed")                                                           \
    XX(ESINK, -8, "the sink failed")                                                               \
    XX(EUNREACHABLE, -9, "the host cannot be reached")                                             \
    XX(EAUTH, -10, "the SSH server refused the log-in")                                            \
    XX(EHOSTKEY, -11, "the SSH host key is unknown or has changed")                                \
    XX(EFORWARD, -12, "the SSH server refused to forward")                                         \
    XX(EPEER, -13, "the peer speaks another pattern, protocol or security")                        \
    XX(ETIMEOUT, -14, "timed out")                                                                 \
    XX(EMESSAGE, -15, "a message is not one of ours")                                              \
    XX(EUNSUPPORTED, -16, "not supported")                                                         \
    XX(EINUSE, -17, "the address is in use")

#define SL_ERROR_ENUM(name, value, sentence) SL_##name = (value),
enum sl_error_code { SL_OK = 0, SL_ERROR_MAP(SL_ERROR_ENUM) };
#undef SL_ERROR_ENUM

/* The general sentence of a code; never NULL, static. Any thread. */
SL_API const char *sl_strerror(int code);

/* The code's name, "SL_EAUTH"; never NULL, static. Any thread. */
SL_API const char *sl_error_name(int code);

/* What went wrong in the calling thread's last failed call, in one sentence: what failed, for
 * whom, and what to try. Never NULL; valid until this thread's next failure. */
SL_API const char *sl_error(void);

#endif

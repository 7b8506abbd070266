/* For clang-tidy alone, before every file of src/ but error.c: what its analyzer can't see from
 * there, that what sl_fail() returns is the code that it is given, and so is never success. */
#include "base/error.h"

#define sl_fail(code, ...) (sl_fail((code), __VA_ARGS__), (code))
#define sl_fail_memory() (sl_fail_memory(), SL_ENOMEM)

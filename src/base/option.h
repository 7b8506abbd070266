/* base: one option's value, from text into its field. Used by settings.c alone. */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <sightline/settings.h>

/* Reads `value` into `field`, of any type but SL_OPTION_STRING. SL_EINVAL with a sentence that
 * names the option and what it takes. With `checked` false the range doesn't matter: defaults may
 * stand outside of it. */
int sl_option_read(const sl_option *option, void *field, const char *value, bool checked);

#endif

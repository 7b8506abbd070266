/* base: what rooms use to build option tables. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <sightline/settings.h>

/* An option's `parse` says with sl_fail() what is wrong with the value; the setter puts the
 * option's name before it. Without a sentence it says what `values` says. */

#define SL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fills `settings` (size bytes): zeros, then every option's default. The defaults in the tables
 * are right, so it can't fail. */
void sl_settings_init(void *settings, size_t size, const sl_option_group *groups);

/* Copies a settings struct, its own strings too, so that the caller's may go. */
int sl_settings_copy(void *to, const void *from, size_t size);

#endif

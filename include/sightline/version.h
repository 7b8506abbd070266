/* Which version this is. */
#ifndef SIGHTLINE_VERSION_H
#define SIGHTLINE_VERSION_H

#include <sightline/export.h>

#define SL_VERSION "0.1.0"

/* The version of the library in use, "0.1.0". Static. */
SL_API const char *sl_version(void);

#endif

/* sink/web: the files of the page, which tools/embed has put into the library. */
#ifndef SINK_WEB_FILES_H
#define SINK_WEB_FILES_H

#include <stddef.h>

typedef struct sl_web_file {
    const char *path; /* "/app.js" */
    const char *type; /* for Content-Type */
    const char *tag;  /* for ETag, with its quotes */
    const unsigned char *bytes;
    size_t size;
} sl_web_file;

extern const sl_web_file sl_web_files[]; /* ended by one without a path */

#endif

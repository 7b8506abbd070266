/* A JPEG's headers, from a camera or a peer. */
#include "fuzz.h"

#include "frame/jpeg_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_jpeg_segment segment;
    int width = 0, height = 0;
    uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees what is read beyond it */
    if (!exact)
        return 0;
    memcpy(exact, data, size);
    for (size_t at = 0, next; (next = sl_jpeg_next(exact, size, at, &segment)) != 0; at = next)
        if (next <= at || next > size || segment.data < exact ||
            segment.data + segment.size != exact + next)
            abort();
    if (sl_jpeg_size(exact, size, &width, &height) &&
        (width < 1 || width > 65535 || height < 1 || height > 65535))
        abort();
    free(exact);
    return 0;
}

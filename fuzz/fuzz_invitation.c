/* The line of an invitation. */
#include "fuzz.h"
#include "tunnel/invitation.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_invitation_parts parts;
    char again[SL_INVITATION_MAX];
    char *line = malloc(size + 1);
    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    if (sl_invitation_read(line, &parts) == 0) {
        /* What is taken is whole, and can be handed on. */
        if (!parts.host[0] || parts.port < 1 || parts.port > 65535 || parts.link_port < 1 ||
            parts.link_port > 65535 || !parts.pattern[0] ||
            strlen(parts.token) != SL_TOKEN_LETTERS || sl_invitation_write(&parts, again) != 0)
            abort();
    }
    free(line);
    return 0;
}

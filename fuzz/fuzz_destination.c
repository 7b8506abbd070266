/* Reading [USER@]HOST[:PORT]. */
#include "fuzz.h"

#include "tunnel/tunnel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_ssh_destination destination;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (sl_ssh_destination_parse(text, &destination) == 0) {
        /* What is taken can be used as it is. */
        if (!destination.host[0] || destination.host[0] == '-' || destination.user[0] == '-' ||
            strpbrk(destination.host, " \n\r\t'\"`$;") || destination.port < 1 ||
            destination.port > 65535 || strlen(destination.user) >= sizeof(destination.user) ||
            strlen(destination.host) >= sizeof(destination.host))
            abort();
    }
    free(text);
    return 0;
}

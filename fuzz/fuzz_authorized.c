/* Lines of authorized keys. */
#include "fuzz.h"
#include "tunnel/authorized.h"

#include <sightline/error.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const sl_gate_target target = {.address = "viewer.example", .port = 5555};
    char comment[32];
    ssh_key key;
    char *line = malloc(size + 1);
    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    int code = sl_authorized_parse(line, &target, &key, comment, sizeof(comment));
    if ((code == SL_OK && !key) || (code == SL_EAGAIN && key) ||
        (code == SL_OK && strlen(comment) >= sizeof(comment)))
        abort();
    ssh_key_free(key);
    free(line);
    return 0;
}

/* The name of somebody who says that they were invited. */
#include "fuzz.h"
#include "tunnel/joiner.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_joiner joiner;
    char *user = malloc(size + 1);
    if (!user)
        return 0;
    memcpy(user, data, size);
    user[size] = '\0';
    int code = sl_joiner_read(user, &joiner);
    /* What is taken can stand in a line of a file as it is. */
    if ((code == 0) != (joiner.key != NULL) || strpbrk(joiner.name, " \t\r\n\"#,:"))
        abort();
    ssh_key_free(joiner.key);
    free(user);
    return 0;
}

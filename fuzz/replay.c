/*
 * Feeds every file of a corpus folder to a fuzz target, as an ordinary test: what a fuzzer once
 * found stays found, with any compiler. Linked with one fuzz_NAME.c.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The size of the input and, in *data, exactly that many bytes on the heap, so that a sanitizer
 * sees a read past the end; -1 if the file can't be read. */
static ssize_t read_input(int folder, const char *name, uint8_t **data) {
    struct stat status;
    ssize_t size = -1;
    *data = NULL;
    int input = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (input < 0)
        return -1;
    if (fstat(input, &status) != 0 || !S_ISREG(status.st_mode))
        goto out;
    *data = malloc(status.st_size > 0 ? (size_t)status.st_size : 1);
    if (!*data)
        goto out;
    size = read(input, *data, (size_t)status.st_size);
    if (size != status.st_size) {
        free(*data);
        *data = NULL;
        size = -1;
    }
out:
    close(input);
    return size;
}

static int replay(DIR *folder) {
    int inputs = 0;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        uint8_t *data;
        if (entry->d_name[0] == '.')
            continue;
        ssize_t size = read_input(dirfd(folder), entry->d_name, &data);
        if (size < 0) {
            fprintf(stderr, "cannot read %s\n", entry->d_name);
            return -1;
        }
        printf("%s (%zd bytes)\n", entry->d_name, size);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
        inputs++;
    }
    return inputs;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) {
        perror(argv[1]);
        return 1;
    }
    int inputs = replay(folder);
    closedir(folder);
    printf("%d inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}

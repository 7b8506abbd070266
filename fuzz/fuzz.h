/* What a fuzz target has: one function, called by libFuzzer or by replay.c for every input. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* bench: what those of its programs share that use Sightline's public API. */
#ifndef BENCH_BENCH_SETTINGS_H
#define BENCH_BENCH_SETTINGS_H

/* Ends the program with what failed, and the library's sentence of it, unless `result` is good. */
void bench_check(int result, const char *what);

/* Sets `count` words KEY=VALUE in a settings struct. */
void bench_set(void *settings, int count, char **words);

#endif

/* What the shared library shows: everything marked SL_API, and nothing else. */
#ifndef SIGHTLINE_EXPORT_H
#define SIGHTLINE_EXPORT_H

#ifdef __cplusplus
#define SL_API extern "C" __attribute__((visibility("default")))
#else
#define SL_API __attribute__((visibility("default")))
#endif

#endif

/* Settings by name. Every settings struct begins with an `sl_settings`, which its init function
 * fills; the rest are plain fields that may be set directly or by name. */
#ifndef SIGHTLINE_SETTINGS_H
#define SIGHTLINE_SETTINGS_H

#include <sightline/export.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum sl_option_type {
    SL_OPTION_BOOL,   /* bool: true/false, yes/no, on/off, 1/0 */
    SL_OPTION_INT,    /* int, from minimum to maximum */
    SL_OPTION_NUMBER, /* double, from minimum to maximum */
    SL_OPTION_STRING, /* const char * */
    SL_OPTION_CHOICE, /* int: the index of the word in `choices` */
    SL_OPTION_SIZE,   /* sl_size: WIDTHxHEIGHT */
    SL_OPTION_PARSED, /* whatever `parse` makes of it */
} sl_option_type;

typedef struct sl_size {
    int width;  /* pixels; 0: not given */
    int height; /* pixels */
} sl_size;

/* One option: all that the setter, --help and the manual need to know. */
typedef struct sl_option {
    const char *name; /* NetGear's name where NetGear has it */
    sl_option_type type;
    size_t offset;              /* of the field, within its group's struct */
    double minimum, maximum;    /* SL_OPTION_INT and SL_OPTION_NUMBER; a maximum of INT_MAX or more
                                   is no limit of sense, and help doesn't name it */
    const char *const *choices; /* SL_OPTION_CHOICE: words, ended by NULL; "word|alias" */
    int (*parse)(void *field, const char *value); /* SL_OPTION_PARSED: 0 or SL_EINVAL */
    const char *fallback;                         /* the default, as text; NULL: not set */
    const char *values;  /* how to write the value in help: "FILE", "10 to 100"; may be NULL */
    const char *help;    /* one sentence, no full stop */
    const char *several; /* the SL_OPTION_STRING that takes a list of values, with commas between,
                            in its place; a single value takes the list away. NULL: none does */
    void *reserved[3];
} sl_option;

/* Options whose fields stand in the same part of a settings struct. */
typedef struct sl_option_group {
    const char *title; /* "Link", "Tunnel", "Codec" */
    const sl_option *options;
    size_t count;
    size_t offset; /* of that part, within the settings struct */
} sl_option_group;

/* What every settings struct begins with. Treat it as opaque. */
typedef struct sl_settings {
    const sl_option_group *groups;      /* ended by a group without options */
    struct sl_settings_string *strings; /* copies made by sl_settings_set() */
    void *reserved[4];
} sl_settings;

/* Sets one field by name. `settings` is any settings struct after its init. The value is copied.
 * SL_EINVAL for a name that this struct does not have (then sl_settings_find() is NULL too), or a
 * value of the wrong kind or out of range; sl_error() names the option and its range. */
SL_API int sl_settings_set(void *settings, const char *name, const char *value);

/* Offers a name and value to each of `count` settings structs. Each that knows the name takes it.
 * SL_EINVAL when one refuses the value, or when none knows the name: then sl_error() says which
 * known name is nearest. */
SL_API int sl_settings_offer(void *const *settings, size_t count, const char *name,
                             const char *value);

/* The option of that name, or NULL. Static. */
SL_API const sl_option *sl_settings_find(const void *settings, const char *name);

/* The known word nearest to one that was mistyped, or NULL when none is near enough to have been
 * meant. */
SL_API const char *sl_settings_nearest(const char *word, const char *const *known, size_t count);

/* The groups of options that this struct has, ended by a group without options. Static. */
SL_API const sl_option_group *sl_settings_groups(const void *settings);

/* Reads a regular file of at most 1 MiB, of lines `name = value`; a `#` at the start of a line or
 * after a space starts a comment. Each name is offered as by sl_settings_offer(). SL_EINVAL names
 * file and line; SL_ESYSTEM when the file can't be read. */
SL_API int sl_settings_load(void *const *settings, size_t count, const char *path);

/* Frees what setting by name copied. Fields set by name are invalid afterwards. */
SL_API void sl_settings_finish(void *settings);

#endif

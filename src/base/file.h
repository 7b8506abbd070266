/* base: small files and folders that must be private. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* "$XDG_CONFIG_HOME/sightline/NAME" (or ~/.config) and "$XDG_STATE_HOME/sightline/NAME" (or
 * ~/.local/state), with the folder made, 0700. SL_ESYSTEM when it can't be. */
int sl_config_path(char *path, size_t size, const char *name);
int sl_state_path(char *path, size_t size, const char *name);

/* "$HOME/NAME", or below the account's home directory when HOME is not set. SL_ESYSTEM. */
int sl_home_path(char *path, size_t size, const char *name);

/* Makes the folder `path` and those above it, 0700 where they are new. `path` is as it was
 * afterwards. SL_ESYSTEM. */
int sl_folders_make(char *path);

/* Opens a regular file, or /dev/null, for reading: anything else could block or have no end.
 * SL_EINVAL when it is something else or has more than `most` bytes, SL_ESYSTEM (errno tells) when
 * it can't be opened; the sentence names the file. The caller closes it. */
int sl_file_open(FILE **file, const char *path, off_t most);

/* The first line of a regular file or of a pipe, without its line ending. SL_EINVAL when it is too
 * long or empty, SL_ESYSTEM when the file can't be read or nobody wrote a line into the pipe
 * within the time; the sentence names the file. */
int sl_file_first_line(const char *path, char *line, size_t size, int timeout_ms);

/* Whether a file with a secret is one that nobody else may read or change. SL_EINVAL when others
 * may; `what` it is comes before its name in the sentence. Only a regular file can be wrong. */
int sl_file_check_secret(const char *path, const char *what);

/* Puts a file with this text in the place of the one at `path`, or makes one (0600): whoever opens
 * it finds the old text or the new, also after a crash. Keeps who may read the old one. SL_ESYSTEM.
 */
int sl_file_replace(const char *path, const char *text, size_t length);

/* The same for a file that nobody else may read, whoever could read the old one (0600). A link is
 * replaced, and what it leads to stays as it is. SL_ESYSTEM. */
int sl_file_replace_secret(const char *path, const char *text, size_t length);

/* The same for a file that is new (0600); one that is there already stays, which is no failure: of
 * two who make it at once, one does. SL_ESYSTEM. */
int sl_file_create(const char *path, const char *text, size_t length);

/* Waits until no other process or thread holds the lock that this file stands for; it is made
 * (0600) when it is not there, and stays. Only this user can open it: who may read another file
 * could lock that, and never let go. Closing `lock` gives it back; that is -1, or to be closed,
 * after SL_ESYSTEM, too. */
int sl_file_lock(int *lock, const char *path);

/* The same with a folder that is there, in which no file is left. Whoever may list it could lock it
 * too. */
int sl_folder_lock(int *lock, const char *path);

/* Makes a private directory (0700) for sockets, as short as possible: under $XDG_RUNTIME_DIR, else
 * $TMPDIR, else /tmp. */
int sl_private_directory(char *path, size_t size);

#endif

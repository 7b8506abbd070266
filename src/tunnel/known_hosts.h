/* tunnel: files of known host keys, as OpenSSH writes them: plain and hashed names, patterns,
 * revoked keys. Lines for certificate authorities are passed over: libssh can't check those. */
#ifndef TUNNEL_KNOWN_HOSTS_H
#define TUNNEL_KNOWN_HOSTS_H

#include <libssh/libssh.h>
#include <stddef.h>

typedef enum sl_known_verdict {
    SL_KNOWN_NOTHING, /* no line is about this host */
    SL_KNOWN_SAME,    /* this very key is known for it */
    SL_KNOWN_OTHER,   /* only other keys are known for it */
    SL_KNOWN_REVOKED, /* this very key must not be used */
} sl_known_verdict;

typedef struct sl_known_hosts {
    sl_known_verdict verdict;
    char path[4096];      /* of the file that the verdict comes from */
    int line;             /* in that file, from 1 */
    char fingerprint[64]; /* SL_KNOWN_OTHER: of the key that is known */
    unsigned types;       /* a bit (1 << enum ssh_keytypes_e) for each type that is known */
    char trouble[512];    /* why a file could not be read; "": all could, or are not there */
} sl_known_hosts;

/* Looks for `name` ("host", or "[host]:port" for a port other than 22, in lower case) in the file.
 * May be called for several files with one `known`, zeroed before: verdicts add up. With `key`
 * NULL only the types are collected. A file that is not there knows nothing; one that is there and
 * can't be read may know anything, which `trouble` says. */
void sl_known_hosts_look(sl_known_hosts *known, const char *path, const char *name, ssh_key key);

/* Adds a line, and makes the file (0600) if there is none. SL_ESYSTEM, SL_ENOMEM. */
int sl_known_hosts_add(const char *path, const char *name, ssh_key key);

/* "SHA256:…", as ssh-keygen -l prints it. SL_ENOMEM. */
int sl_fingerprint(char *text, size_t size, ssh_key key);

#endif

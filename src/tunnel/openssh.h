/* tunnel: what the OpenSSH back-end tells ssh, and what ssh tells it. */
#ifndef TUNNEL_OPENSSH_H
#define TUNNEL_OPENSSH_H

#include "tunnel/backend.h"

typedef struct sl_openssh_arguments {
    char *words[96]; /* for exec: the program's name first, NULL last */
    size_t count;
    char text[16384]; /* where the words stand */
    size_t used;
    int code; /* SL_OK until something could not be said */
} sl_openssh_arguments;

/* The words that have ssh forward the job's socket; inward that socket leads to the port that is
 * asked for, to look who holds it, and the port to the job's relay. What the job leaves open is
 * left to the user's configuration. `algorithms` are the host key algorithms to offer; NULL: what
 * is usual. SL_EINVAL with a sentence when ssh can't be told so. */
int sl_openssh_arguments_fill(sl_openssh_arguments *arguments, const sl_tunnel_job *job,
                              const char *algorithms);

/* What a line of ssh's means for the tunnel. */
typedef enum sl_openssh_event {
    SL_OPENSSH_NOTHING,
    SL_OPENSSH_RESOLVED,  /* it connects, to an address or through a program */
    SL_OPENSSH_CONNECTED, /* greetings or keys are exchanged next */
    SL_OPENSSH_VERIFIED,  /* the log-in is next */
    SL_OPENSSH_LOGGED_IN,
    SL_OPENSSH_LISTENING, /* the socket is there */
    SL_OPENSSH_BOUND,     /* the server listens; the line says for what */
    SL_OPENSSH_PICKED,    /* the line says at which port, for what */
    SL_OPENSSH_DENIED,    /* the server does not listen; the line says at which port */
    SL_OPENSSH_ASKED,     /* a connection came: it asks the server for a channel */
    SL_OPENSSH_OPENED,    /* which the server opened */
    SL_OPENSSH_UNHEARD,   /* or could not: nobody listens at the far end */
    SL_OPENSSH_REFUSED,   /* or would not */
    SL_OPENSSH_FREED,     /* a channel has gone, with all it had to carry */
    SL_OPENSSH_JOINED,    /* inward: a channel has a local end; the line says which */
    SL_OPENSSH_PARTED,    /* a channel has gone that the server, or a program of ours, had opened */
} sl_openssh_event;

/* What ssh said that explains its end. Zeroed at first. */
typedef struct sl_openssh_words {
    int rank;           /* how much it explains; 0: there is nothing */
    int code;           /* ours for it */
    char line[256];     /* ssh's own words */
    const char *advice; /* what to try */
    char key[256];      /* what it said about a key that it could not use */
    char host_key[64];  /* of the server, that it was shown last: "SHA256:…" */
    char changed[160];  /* whose host key is another than before, as known_hosts call it */
    char known_in[160]; /* the file that has the old one */
} sl_openssh_words;

/* Takes one line, without its end and harmless. A server can have lines of its own printed once it
 * is verified: all that they can bring about is that its own tunnel fails. */
sl_openssh_event sl_openssh_hear(sl_openssh_words *words, const char *line);

/* What a line tells whoever examines the way, and the text of it; false: nothing. */
bool sl_openssh_fact(const char *line, sl_tunnel_fact *fact, char *text, size_t size);

/* Fails with the code and the sentence for what was heard; `lost`: it was up. `status` is what
 * waitpid() told. */
int sl_openssh_fail(const sl_openssh_words *words, const sl_tunnel_plan *plan, bool lost,
                    int status);

#endif

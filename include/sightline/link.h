/* How two ends find each other and take turns. */
#ifndef SIGHTLINE_LINK_H
#define SIGHTLINE_LINK_H

#include <sightline/settings.h>
#include <stdint.h>

typedef enum sl_pattern {
    SL_PATTERN_PAIR,   /* NetGear's 0: one frame, one reply */
    SL_PATTERN_REQREP, /* NetGear's 1: the same, over REQ and REP */
    SL_PATTERN_PUBSUB, /* NetGear's 2: no way back, newest wins */
    SL_PATTERN_LIVE,   /* Sightline's own: acknowledged chunks, as fresh as the link allows */
} sl_pattern;

/* "pair", "reqrep", "pubsub" or "live"; never NULL, static. */
SL_API const char *sl_pattern_name(sl_pattern pattern);

typedef enum sl_protocol { SL_PROTOCOL_TCP, SL_PROTOCOL_IPC } sl_protocol;

/* The part of a sender's or receiver's settings that concerns the link. */
typedef struct sl_link_settings {
    const char *address; /* NULL: localhost at a sender, every interface at a receiver;
                            for ipc a path */
    int port;            /* 5555; 0 at a receiver: any free one */
    sl_protocol protocol;
    sl_pattern pattern;
    int max_retries;          /* unanswered requests in a row; 0: for ever; -1: 3 at a sender until
                                 it had its first reply, and from then on for ever; for ever at
                                 a receiver */
    double request_timeout_s; /* at least 4: how long a sender waits for a reply */
    double
        subscriber_timeout_s; /* receiver, pubsub: ends after that long without a frame; 0: never */
    int64_t max_message_bytes; /* larger messages end the peer's connection; live has its own
                                  limits */
    int secure_mode;           /* NetGear's. 0: none; 1: CURVE, and any sender's key will do; 2:
                                  CURVE, and a receiver lets in only those with a certificate in
                                  its public_keys. A sender's 1 and 2 are the same */
    const char
        *custom_cert_location; /* where .vidgear/keys is, see keys.h; NULL: the home directory */
    bool overwrite_cert;       /* sender: makes new certificates before it starts */
    bool bidirectional_mode;   /* pair, reqrep: the receiver's replies carry data back, see
                                  sl_receiver_return() and sl_sender_returned(). Set at both ends */
    bool multiserver_mode; /* several senders, one receiver: it listens on several ports, and each
                              sender says with every message by its port who it is */
    bool multiclient_mode; /* one sender, several receivers: it connects to several ports, and each
                              receiver says with its replies by its port who it is. Both modes:
                              reqrep and pubsub alone, never together, set at both ends */
    const char *ports;     /* "5566,5567,5568", in place of `port`: at a receiver in multi-server
                              mode, at a sender in multi-client mode; NULL: `port` */
    const char *port_text; /* JSON text by which this end says its port; NULL: the number */
    void *reserved[11];
} sl_link_settings;

#endif

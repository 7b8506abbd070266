/* sink/web: the public calls and the options. Called by the host of a receiver. */
#include <sightline/web.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/network.h"
#include "base/resolve.h"
#include "base/settings.h"
#include "sink/web/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PEM_BYTES_MAX 262144
#define TOKEN_BYTES   16
#define LOOPBACK      "127.0.0.1"

static const sl_option options[] = {
    {.name = "web",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_web_settings, listen),
     .values = "[ADDR:]PORT",
     .help = "Show the cameras to browsers on a page there; without ADDR to this machine's alone"},
    {.name = "web_token",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_web_settings, token),
     .values = "TEXT",
     .help = "What a browser must know, 8 to 128 letters, digits, '-', '_', '.' or '~'; without it "
             "one is made where others can reach the page, and none asked for elsewhere"},
    {.name = "web_hosts",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_web_settings, hosts),
     .values = "NAME[,NAME...]",
     .help = "Names by which browsers may call the page, besides its addresses and localhost"},
    {.name = "web_certificate",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_web_settings, certificate),
     .values = "FILE",
     .help = "Certificate (PEM, those that it leads to as well) with which the page is served by "
             "HTTPS"},
    {.name = "web_key",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_web_settings, key),
     .values = "FILE",
     .help = "The certificate's private key (PEM)"},
};

static const sl_option_group groups[] = {
    {"Web page", options, SL_COUNT(options), 0},
    {0},
};

void sl_web_settings_init(sl_web_settings *settings) {
    sl_settings_init(settings, sizeof(*settings), groups);
}

/* The whole of a PEM file; to be freed. */
static int load(char **text, const char *path) {
    FILE *file;
    int code = sl_file_open(&file, path, PEM_BYTES_MAX);
    if (code < 0)
        return code;
    char *read = calloc(1, PEM_BYTES_MAX + 1);
    if (!read)
        code = sl_fail_memory();
    else if (fread(read, 1, PEM_BYTES_MAX, file) == 0 && ferror(file))
        code = sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    fclose(file);
    if (code == SL_OK)
        *text = read;
    else
        free(read);
    return code;
}

static int load_certificate(sl_web *web) {
    const sl_web_settings *settings = &web->settings;
    if (!settings->certificate && !settings->key)
        return SL_OK;
    if (!settings->certificate || !settings->key)
        return sl_fail(SL_EINVAL, "web_certificate and web_key go together: name both files");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_NO)
        return sl_fail(SL_EUNSUPPORTED, "this libmicrohttpd knows no TLS: serve the page behind a "
                                        "reverse proxy, or without a certificate");
    int code = sl_file_check_secret(settings->key, "key of the page's certificate");
    if (code == SL_OK)
        code = load(&web->certificate, settings->certificate);
    return code == SL_OK ? load(&web->key, settings->key) : code;
}

static int find_place(sl_web *web, int *port) {
    if (!web->settings.listen)
        return sl_fail(SL_EINVAL, "say where the page is to be: web takes [ADDR:]PORT");
    int code = sl_listen_parse("web", web->settings.listen, web->host, sizeof(web->host), port);
    if (code == SL_OK && !strchr(web->settings.listen, ':'))
        snprintf(web->host, sizeof(web->host), LOOPBACK);
    if (strcmp(web->host, "0.0.0.0") == 0 || strcmp(web->host, "::") == 0)
        snprintf(web->host, sizeof(web->host), "*");
    return code;
}

static int find_token(sl_web *web) {
    const char *token = web->settings.token;
    web->guard.hosts = web->settings.hosts;
    if (token && !sl_web_token_good(token))
        return sl_fail(SL_EINVAL,
                       "web_token must have %d to %d letters, digits, '-', '_', '.' or '~'",
                       SL_WEB_TOKEN_MIN, SL_WEB_TOKEN_MAX);
    if (!token && sl_web_door_near(web->door))
        return SL_OK;
    web->guard.token = web->token;
    if (token) {
        snprintf(web->token, sizeof(web->token), "%s", token);
        return SL_OK;
    }
    uint8_t bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return sl_fail(SL_ESYSTEM, "cannot make a token: %s", strerror(errno));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(web->token + 2 * i, 3, "%02x", bytes[i]);
    return SL_OK;
}

/* Where it listens everywhere, the link has the address by which others most likely reach it. */
static void make_link(sl_web *web) {
    char host[300], own[64];
    bool everywhere = strcmp(web->host, "*") == 0;
    if (everywhere && sl_network_own_address(own, sizeof(own)) < 0)
        snprintf(own, sizeof(own), LOOPBACK);
    sl_host_port(host, sizeof(host), everywhere ? own : web->host, sl_web_door_port(web->door));
    snprintf(web->link, sizeof(web->link), "http%s://%s/%s%s", web->certificate ? "s" : "", host,
             web->guard.token ? "?token=" : "", web->guard.token ? web->token : "");
}

static bool admit(void *user, int descriptor, const struct sockaddr *from, socklen_t size) {
    const sl_web *web = user;
    return MHD_add_connection(web->daemon, descriptor, from, size) == MHD_YES;
}

static void beat(void *user) {
    sl_web *web = user;
    if (sl_web_hub_has_news_readers(web->hub))
        sl_web_tell_news(web, 0);
    sl_web_hub_tick(web->hub);
}

static int open_door(sl_web *web, int port) {
    const sl_web_door_settings settings = {
        .what = "page",
        .host = web->host,
        .port = port,
        .user = web,
        .admit = admit,
        .beat = beat,
    };
    return sl_web_door_open(&web->door, &settings);
}

static int start(sl_web *web) {
    int port = 0;
    int code = find_place(web, &port);
    if (code == SL_OK)
        code = load_certificate(web);
    if (code == SL_OK)
        code = open_door(web, port);
    if (code == SL_OK)
        code = find_token(web);
    if (code == SL_OK)
        code = sl_web_hub_open(&web->hub, &web->viewer);
    if (code == SL_OK)
        code = sl_web_press_open(&web->press, web->hub);
    if (code == SL_OK)
        code = sl_web_server_start(web);
    if (code < 0)
        return code;
    make_link(web);
    return sl_web_door_start(web->door);
}

int sl_web_open(sl_web **web, const sl_web_settings *settings) {
    *web = NULL;
    if (!settings->viewer)
        return sl_fail(SL_EINVAL, "a page needs a viewer whose cameras it shows");
    sl_web *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->viewer = *settings->viewer;
    int code = sl_settings_copy(&opened->settings, settings, sizeof(*settings));
    if (code < 0) {
        free(opened);
        return code;
    }
    code = start(opened);
    *web = opened;
    if (code < 0)
        sl_web_close(web);
    return code;
}

/* Nobody comes in, then nobody rests, then nobody is there. */
void sl_web_close(sl_web **web) {
    sl_web *closing = *web;
    if (!closing)
        return;
    if (closing->door)
        sl_web_door_stop(closing->door);
    if (closing->hub)
        sl_web_hub_stop(closing->hub);
    sl_web_server_stop(closing);
    sl_web_press_close(&closing->press);
    sl_web_hub_close(&closing->hub);
    sl_web_door_close(&closing->door);
    if (closing->key)
        explicit_bzero(closing->key, strlen(closing->key));
    free(closing->key);
    free(closing->certificate);
    sl_settings_finish(&closing->settings);
    explicit_bzero(closing->token, sizeof(closing->token));
    free(closing);
    *web = NULL;
}

const char *sl_web_link(const sl_web *web) {
    return web->link;
}

void sl_web_take(sl_web *web, const sl_frame *coded) {
    sl_web_hub_take(web->hub, coded);
}

void sl_web_show(sl_web *web, const sl_frame *picture) {
    sl_web_hub_show(web->hub, picture);
}

sl_web_wish sl_web_wants(sl_web *web) {
    return sl_web_hub_wants(web->hub);
}

int sl_web_wait(sl_web *web, sl_web_wish was, sl_cancel *cancel, int timeout_ms) {
    return sl_web_hub_wait(web->hub, was, cancel, timeout_ms);
}

/* Shows cameras to browsers, and asks for frames while somebody looks.
 *
 *     page PORT WEB [NAME=VALUE]…
 *     page 5555 8080
 *     page 5555 0.0.0.0:8080 web_hosts=cameras.example
 *     sightline send 0                         the other end
 */
#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>

struct page {
    sl_receiver_settings receiver_settings;
    sl_web_settings settings;
    sl_receiver *receiver;
    sl_web *web;
    sl_viewer viewer;
};

static int set(struct page *page, char **words) {
    void *const all[] = {&page->receiver_settings, &page->settings};
    int code = SL_OK;
    for (; *words && code == SL_OK; words++) {
        char *equals = strchr(*words, '=');
        if (equals)
            *equals = '\0';
        code = sl_settings_offer(all, 2, *words, equals ? equals + 1 : "true");
    }
    return code;
}

static void take(void *user, const sl_frame *coded) {
    struct page *page = user;
    sl_web_take(page->web, coded);
}

static int open_both(struct page *page) {
    const sl_tap tap = {take, page};
    page->receiver_settings.output = SL_OUTPUT_CODED; /* until a browser needs JPEG of video */
    int code = sl_receiver_open(&page->receiver, &page->receiver_settings);
    if (code < 0)
        return code;
    sl_receiver_viewer(page->receiver, &page->viewer);
    page->settings.viewer = &page->viewer;
    code = sl_web_open(&page->web, &page->settings);
    return code < 0 ? code : sl_receiver_tap(page->receiver, &tap);
}

/* Cameras send while somebody is in sl_receiver_recv(), and frames are decoded for who wants
 * pictures alone. */
static int show(struct page *page) {
    int code = SL_OK;
    while (code == SL_OK || code == SL_EAGAIN) {
        sl_frame *frame = NULL;
        sl_web_wish wish = sl_web_wants(page->web);
        if (wish == SL_WEB_NOTHING) {
            code = sl_web_wait(page->web, wish, NULL, -1);
            continue;
        }
        sl_receiver_set_output(page->receiver,
                               wish == SL_WEB_PICTURES ? SL_OUTPUT_PLANES : SL_OUTPUT_CODED);
        code = sl_receiver_recv(page->receiver, &frame, 100);
        if (code == SL_OK && wish == SL_WEB_PICTURES)
            sl_web_show(page->web, frame);
        sl_frame_unref(&frame);
    }
    return code == SL_EEND ? SL_OK : code;
}

int main(int count, char **words) {
    struct page page = {.web = NULL};
    int code = SL_EINVAL;
    sl_receiver_settings_init(&page.receiver_settings);
    sl_web_settings_init(&page.settings);
    page.receiver_settings.link.address = "127.0.0.1";
    page.receiver_settings.link.pattern = SL_PATTERN_LIVE;
    page.receiver_settings.stay = true;      /* cameras come and go */
    page.receiver_settings.unwatched = true; /* until somebody looks */
    if (count > 2)
        code = sl_settings_set(&page.receiver_settings, "port", words[1]);
    if (code == SL_OK)
        code = sl_settings_set(&page.settings, "web", words[2]);
    if (code == SL_OK)
        code = set(&page, words + 3);
    if (code == SL_OK)
        code = open_both(&page);
    if (code == SL_OK) {
        puts(sl_web_link(page.web));
        fflush(stdout);
        code = show(&page);
    }
    if (code < 0)
        fprintf(stderr, "page: %s\n", sl_error());
    if (page.web)
        sl_receiver_untap(page.receiver, &page);
    sl_web_close(&page.web);
    sl_receiver_close(&page.receiver);
    sl_settings_finish(&page.settings);
    sl_settings_finish(&page.receiver_settings);
    return code < 0;
}

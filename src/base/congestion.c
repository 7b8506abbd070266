/* base: choosing the congestion control of a connection. Called by link and tunnel. */
#include "base/congestion.h"
#include "base/clock.h"

#include <linux/tcp.h> /* glibc's struct tcp_info has no tcpi_bytes_retrans */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_US      (SL_SECOND_US / 4)
#define FADE_BYTES   (1024.0 * 1024) /* after so many all before count half */
#define LOSSY        0.004           /* share that was sent again: CUBIC gets slow; */
#define LOSSY_BYTES  6000.0          /* and not by chance: four packets */
#define CLEAN        0.0005          /* seldom enough to do without BBR */
#define LOSSY_WAY    "bbr"
#define CONTROL_SIZE 16 /* the kernel's TCP_CA_NAME_MAX */

static bool set_control(int descriptor, const char *name) {
    return setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

static bool has_bbr(int descriptor) {
    char name[CONTROL_SIZE] = "";
    socklen_t size = sizeof(name) - 1;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0 &&
           strncmp(name, LOSSY_WAY, strlen(LOSSY_WAY)) == 0;
}

/* What the system prefers otherwise is left alone. */
static bool leave_bbr(int descriptor) {
    return has_bbr(descriptor) &&
           (set_control(descriptor, "cubic") || set_control(descriptor, "reno"));
}

void sl_congestion_init(sl_congestion *congestion, int descriptor) {
    *congestion = (sl_congestion){0};
    leave_bbr(descriptor);
}

bool sl_congestion_judge(sl_congestion *congestion, uint64_t sent, uint64_t again) {
    if (sent < congestion->sent || again < congestion->again)
        return false;
    congestion->lately += (double)(sent - congestion->sent);
    congestion->lately_again += (double)(again - congestion->again);
    congestion->sent = sent;
    congestion->again = again;
    double share = congestion->lately > 0 ? congestion->lately_again / congestion->lately : 0;
    bool lossy = congestion->lossy ? share > CLEAN
                                   : share > LOSSY && congestion->lately_again >= LOSSY_BYTES;
    if (congestion->lately > FADE_BYTES) {
        congestion->lately /= 2;
        congestion->lately_again /= 2;
    }
    bool changed = lossy != congestion->lossy;
    congestion->lossy = lossy;
    return changed;
}

bool sl_congestion_look(sl_congestion *congestion, int descriptor, int64_t now_us) {
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (now_us < congestion->looked_us + LOOK_US)
        return false;
    congestion->looked_us = now_us;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        !sl_congestion_judge(congestion, info.tcpi_bytes_sent, info.tcpi_bytes_retrans))
        return false;
    return congestion->lossy ? set_control(descriptor, LOSSY_WAY) : leave_bbr(descriptor);
}

/* base: choosing the congestion control of a connection. Called by link and tunnel. */
#include "base/congestion.h"
#include "base/clock.h"
#include "base/settings.h"

#include <linux/tcp.h> /* glibc's struct tcp_info has no tcpi_bytes_retrans */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_US     (SL_SECOND_US / 4)
#define FADE_BYTES  (1024.0 * 1024) /* after so many all before count half */
#define LOSSY       0.004           /* share that was lost: CUBIC gets slow; */
#define LOSSY_BYTES 6000.0          /* and not by chance */
#define CLEAN       0.0005          /* seldom enough to do without BBR */
#define BBR         "bbr"           /* its later versions have a number behind that */

static bool set_control(int descriptor, const char *name) {
    return setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

void sl_congestion_init(sl_congestion *congestion, int descriptor) {
    *congestion = (sl_congestion){.lossy_way = BBR};
    socklen_t size = sizeof(congestion->good_way) - 1;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, congestion->good_way, &size) < 0 ||
        strncmp(congestion->good_way, BBR, strlen(BBR)) != 0)
        return;
    memcpy(congestion->lossy_way, congestion->good_way, SL_CONTROL_SIZE);
    static const char *const others[] = {"cubic", "reno"};
    for (size_t i = 0; i < SL_COUNT(others); i++) {
        if (set_control(descriptor, others[i])) {
            snprintf(congestion->good_way, SL_CONTROL_SIZE, "%s", others[i]);
            return;
        }
    }
}

bool sl_congestion_judge(sl_congestion *congestion, uint64_t sent, uint64_t again) {
    if (sent < congestion->sent)
        return false;
    congestion->lately += (double)(sent - congestion->sent);
    congestion->lately_again += (double)again - (double)congestion->again;
    if (congestion->lately_again < 0)
        congestion->lately_again = 0;
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

/* Bytes that were sent again because they were lost, not only late: what came twice the peer tells
 * (RFC 2883), as the kernel counts by packets. */
static uint64_t lost_bytes(const struct tcp_info *info) {
    uint64_t twice = (uint64_t)info->tcpi_dsack_dups * info->tcpi_snd_mss;
    return info->tcpi_bytes_retrans > twice ? info->tcpi_bytes_retrans - twice : 0;
}

bool sl_congestion_look(sl_congestion *congestion, int descriptor, int64_t now_us) {
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (now_us < congestion->looked_us + LOOK_US)
        return false;
    congestion->looked_us = now_us;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        !sl_congestion_judge(congestion, info.tcpi_bytes_sent, lost_bytes(&info)))
        return false;
    return set_control(descriptor,
                       congestion->lossy ? congestion->lossy_way : congestion->good_way);
}

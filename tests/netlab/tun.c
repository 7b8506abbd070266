/* netlab: a network device in another network namespace, whose packets this process carries. */
#include "tun.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int enter(const char *namespace_path) {
    int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return sl_fail(SL_ESYSTEM, "the namespace %s can't be opened: %s", namespace_path,
                       strerror(errno));
    int result = setns(fd, CLONE_NEWNET);
    if (result != 0)
        result = sl_fail(SL_ESYSTEM, "the namespace %s can't be entered: %s", namespace_path,
                         strerror(errno));
    close(fd);
    return result;
}

int netlab_tun_open(int *fd, const char *namespace_path, const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    if (strlen(name) >= sizeof(request.ifr_name))
        return sl_fail(SL_EINVAL, "%s is too long for the name of a device", name);
    memcpy(request.ifr_name, name, strlen(name) + 1);
    int result = enter(namespace_path);
    if (result != 0)
        return result;
    *fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (*fd == -1)
        return sl_fail(SL_ESYSTEM, "/dev/net/tun can't be opened: %s", strerror(errno));
    if (ioctl(*fd, TUNSETIFF, &request) != 0) {
        result = sl_fail(SL_ESYSTEM, "the device %s can't be made: %s", name, strerror(errno));
        close(*fd);
        *fd = -1;
    }
    return result;
}

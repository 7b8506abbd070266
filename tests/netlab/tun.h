/* netlab: a network device in another network namespace, whose packets this process carries. */
#ifndef NETLAB_TUN_H
#define NETLAB_TUN_H

/* Makes the TUN device `name` in the namespace that is bound to `namespace_path`, where nobody has
 * configured it yet; afterwards the calling thread is in that namespace. `*fd` does not block; the
 * device vanishes when it is closed. SL_ESYSTEM, SL_EINVAL for a name that is too long. */
int netlab_tun_open(int *fd, const char *namespace_path, const char *name);

#endif

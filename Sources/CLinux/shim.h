// What Linux offers and Swift cannot call: variadic functions and the environment's global variable.
// `redis-replica-init` is the only target that imports this module.
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

// `environ` is a mutable global, which the language's concurrency rules keep out of reach. Read once, before any thread.
static inline char **linux_environment(void) { return environ; }

// prctl is variadic. 0, or -1 with errno.
static inline int linux_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// close_range (Linux 5.9), marking instead of closing (5.11): what is open stays usable until exec. 0, or -1 with errno;
// called by its number, so that it needs no particular libc.
static inline int linux_close_on_exec_from(unsigned int first) {
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, first, ~0U, 1U << 2);
#else
    (void)first;
    return -1;
#endif
}

#endif

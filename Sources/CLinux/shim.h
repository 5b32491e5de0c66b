// What Linux offers and Swift cannot call: variadic functions, those that only _GNU_SOURCE shows, and the environment's
// global variable.
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

// `environ` is a mutable global, which the language's concurrency rules keep out of reach. Read once, before any thread.
static inline char **linux_environment(void) { return environ; }

// Grows the heap once and has the kernel back it in one call (MADV_POPULATE_WRITE, Linux 5.14; older kernels refuse and
// back it page by page): a fault costs more than everything that is done with the page it brings.
static inline void linux_prepare_heap(size_t bytes) {
    // Neither mapped by itself nor given back when it is freed.
    mallopt(M_MMAP_THRESHOLD, 4 * (int)bytes);
    mallopt(M_TRIM_THRESHOLD, 4 * (int)bytes);
    void *block = malloc(bytes);
    if (block == NULL) return;
    const size_t first = ((size_t)block + 4095) & ~(size_t)4095;
    madvise((void *)first, bytes - (first - (size_t)block) & ~(size_t)4095, 23);
    free(block);
}

// Gives the heap's free pages back to the system; the Glibc module leaves malloc.h out.
static inline void linux_give_memory_back(void) { malloc_trim(0); }

// Signals as bytes on a descriptor, which the Glibc module leaves out. -1 with errno.
static inline int linux_signal_descriptor(const sigset_t *mask) {
    return signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

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

// setns with CLONE_NEWNET: what the calling thread opens from now on is in the namespace. Called by its number, since
// <sched.h> shows it to _GNU_SOURCE alone. 0, or -1 with errno.
static inline int linux_enter_network_namespace(int descriptor) {
    return (int)syscall(SYS_setns, descriptor, 0x40000000);
}

#endif

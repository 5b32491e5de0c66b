// What Linux offers and Swift cannot call: variadic functions, those that only _GNU_SOURCE shows, and the environment's
// global variable.
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

// `environ` is a mutable global, which the language's concurrency rules keep out of reach. Read once, before any
// thread.
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

// Has blocks from this size on come from the system one by one, and go back to it at once when they are freed. Without
// it the allocator keeps room for the largest block that it ever freed, up to 32 MiB, in each of its heaps.
static inline void linux_map_large_blocks(size_t bytes) {
    mallopt(M_MMAP_THRESHOLD, (int)bytes);
    mallopt(M_TRIM_THRESHOLD, 2 * (int)bytes);
}

// Gives the heap's free pages back to the system; the Glibc module leaves malloc.h out.
static inline void linux_give_memory_back(void) { malloc_trim(0); }

// Signals as bytes on a descriptor, which the Glibc module leaves out. -1 with errno.
static inline int linux_signal_descriptor(const sigset_t *mask) {
    return signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

// SIGALRM once, after so long. The fields of struct timeval belong to whichever module a program happens to load first.
static inline void linux_raise_alarm(int milliseconds) {
    const struct itimerval timer = {{0, 0}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

// prctl is variadic. 0, or -1 with errno.
static inline int linux_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// close_range (Linux 5.9), marking instead of closing (5.11): what is open stays usable until exec. 0, or -1 with
// errno; called by its number, so that it needs no particular libc.
static inline int linux_close_on_exec_from(unsigned int first) {
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, first, ~0U, 1U << 2);
#else
    (void)first;
    return -1;
#endif
}

// A descriptor of a process (Linux 5.3): it never names another process, however often the number is used again.
// Closed at exec. Called by its number, as those below, so that it needs no particular libc. -1 with errno.
static inline int linux_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// 0, or -1 with errno; ESRCH where the process has ended and was waited for.
static inline int linux_signal_process(int descriptor, int number) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

// The same for all processes of the group that the process leads (PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9). Before:
// EINVAL.
static inline int linux_signal_process_group(int descriptor, int number) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 1U << 2);
}

// The child if it has ended, any ended child where `child` is 0, else 0. It stays to be waited for, so its number is
// not used again. The fields of siginfo_t are macros.
static inline pid_t linux_ended_child(pid_t child) {
    siginfo_t information = {0};
    const int result = waitid(child == 0 ? P_ALL : P_PID, (id_t)child, &information, WEXITED | WNOHANG | WNOWAIT);
    return result == 0 ? information.si_pid : 0;
}

// Nanoseconds of the clock that counts the time in which the machine is suspended.
static inline int64_t linux_boot_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// A descriptor that becomes readable at a time of that clock. -1 with errno.
static inline int linux_boot_timer(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

static inline int linux_set_boot_timer(int descriptor, int64_t nanoseconds) {
    const struct itimerspec when = {{0, 0}, {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &when, NULL);
}

// Keeps in memory what is there and what comes, without bringing in the rest of the program. 0, or -1 with errno:
// mostly for want of a right.
static inline int linux_lock_memory(void) {
    return mlockall(MCL_CURRENT | MCL_FUTURE | 4 /* MCL_ONFAULT, Linux 4.4 */);
}

// setns with CLONE_NEWNET: what the calling thread opens from now on is in the namespace. Called by its number, since
// <sched.h> shows it to _GNU_SOURCE alone. 0, or -1 with errno.
static inline int linux_enter_network_namespace(int descriptor) {
    return (int)syscall(SYS_setns, descriptor, 0x40000000);
}

#endif

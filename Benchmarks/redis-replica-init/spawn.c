// spawn RUNS SOURCE TARGET PROGRAM…: how long each program takes from spawn to its end, in milliseconds.
//
// The programs take turns, so that what else the machine does hits them alike; TARGET is a fresh copy of SOURCE before
// each start. One line a program: median, first decile, least, and the largest resident set in KiB.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int ascending(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void restore(const char *target, const char *bytes, size_t count) {
    unlink(target);
    const int file = open(target, O_WRONLY | O_CREAT | O_EXCL, 0640);
    if (file == -1 || write(file, bytes, count) != (ssize_t)count || close(file) == -1) fail(target);
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: spawn RUNS SOURCE TARGET PROGRAM…\n");
        return 64;
    }
    const int runs = atoi(arguments[1]), programs = count - 4;
    const int source = open(arguments[2], O_RDONLY);
    struct stat status;
    if (source == -1 || fstat(source, &status) == -1) fail(arguments[2]);
    char *bytes = malloc((size_t)status.st_size);
    if (read(source, bytes, (size_t)status.st_size) != status.st_size) fail(arguments[2]);
    double *times = calloc((size_t)(runs * programs), sizeof *times);
    long *memory = calloc((size_t)programs, sizeof *memory);
    for (int run = 0; run < runs; run++) {
        for (int program = 0; program < programs; program++) {
            restore(arguments[3], bytes, (size_t)status.st_size);
            char *vector[] = {arguments[4 + program], arguments[3], NULL};
            struct timespec start, end;
            struct rusage usage;
            pid_t child;
            int ending;
            clock_gettime(CLOCK_MONOTONIC, &start);
            if (posix_spawn(&child, vector[0], NULL, NULL, vector, environ) != 0) fail(vector[0]);
            if (wait4(child, &ending, 0, &usage) == -1) fail("wait4");
            clock_gettime(CLOCK_MONOTONIC, &end);
            if (ending != 0) {
                fprintf(stderr, "%s ended with status %d\n", vector[0], ending);
                return 1;
            }
            times[program * runs + run] =
                (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
            if (usage.ru_maxrss > memory[program]) memory[program] = usage.ru_maxrss;
        }
    }
    for (int program = 0; program < programs; program++) {
        double *mine = times + program * runs;
        qsort(mine, (size_t)runs, sizeof *mine, ascending);
        printf("%.3f %.3f %.3f %ld\n", mine[runs / 2], mine[runs / 10], mine[0], memory[program]);
    }
    return 0;
}

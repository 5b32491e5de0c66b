// The floor of the comparison: what HTTP keep-alive costs on one thread when there is nothing to do. It answers one constant
// response of a 100-byte value to every complete request header, all that arrived in one read with one write, and looks at
// nothing else: no path, no body, no Redis.
//
// usage: floor PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEN "0123456789"
#define RESPONSE                                                                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

enum { length = sizeof RESPONSE - 1, batch = 256 };

struct connection {
    int fd;
    unsigned matched;  // how much of the header's end, CR LF CR LF, the last read ended with
    size_t owed;       // bytes of answers that did not fit into the socket yet
};

static char answers[batch * length];
static const char header_end[] = "\r\n\r\n";

static size_t count_requests(struct connection *c, const char *at, const char *end) {
    size_t count = 0;
    for (; c->matched > 0 && at < end; at++) {
        c->matched = *at == header_end[c->matched] ? c->matched + 1 : *at == '\r';
        if (c->matched == 4) count++, c->matched = 0;
    }
    for (const char *next; (next = memmem(at, (size_t)(end - at), header_end, 4)); at = next + 4) count++;
    for (unsigned tail = end - at < 3 ? (unsigned)(end - at) : 3; tail > 0 && c->matched == 0; tail--)
        if (memcmp(end - tail, header_end, tail) == 0) c->matched = tail;
    return count;
}

// False when the client is gone. The answers repeat, so where to go on follows from how much is owed.
static bool send_owed(struct connection *c) {
    while (c->owed > 0) {
        size_t start = (length - c->owed % length) % length;
        size_t size = c->owed < sizeof answers - start ? c->owed : sizeof answers - start;
        ssize_t sent = send(c->fd, answers + start, size, MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN;
        c->owed -= (size_t)sent;
    }
    return true;
}

static bool serve(struct connection *c, int epoll, uint32_t events) {
    static char buffer[65536];
    bool was_full = c->owed > 0;
    if (events & EPOLLIN) {
        ssize_t size = recv(c->fd, buffer, sizeof buffer, 0);
        if (size == 0 || (size < 0 && errno != EAGAIN)) return false;
        if (size > 0) c->owed += count_requests(c, buffer, buffer + size) * length;
    }
    if (!send_owed(c)) return false;
    if (was_full != (c->owed > 0)) {
        // A client that does not read is not read from either.
        struct epoll_event wish = {.events = c->owed > 0 ? EPOLLOUT : EPOLLIN, .data.ptr = c};
        return epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &wish) == 0;
    }
    return !(events & (EPOLLERR | EPOLLHUP));
}

static void accept_all(int listener, int epoll) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c) err(1, "calloc");
        c->fd = fd;
        struct epoll_event wish = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wish) < 0) err(1, "epoll_ctl");
    }
}

int main(int argc, char **argv) {
    if (argc != 2) errx(64, "usage: floor PORT");
    for (char *at = answers; at < answers + sizeof answers; at += length) memcpy(at, RESPONSE, length);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) err(1, "bind");
    if (listen(listener, 4096) < 0) err(1, "listen");
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wish = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wish) < 0) err(1, "epoll");
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener, epoll);
            } else if (!serve(c, epoll, events[i].events)) {
                close(c->fd);
                free(c);
            }
        }
    }
}

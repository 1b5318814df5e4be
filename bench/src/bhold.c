/* bhold: holds many SMTP sessions open (one thread, epoll, loopback only).
 *   bhold -p PORT -c SESSIONS -s STATSFILE [-t]            idle after EHLO, with -t behind STARTTLS, until SIGTERM
 *   bhold -p PORT -c SESSIONS -s STATSFILE -l [-i MS]      slow loris: a third each crawls through a greeting, a command
 *                                                          and a message, one octet every MS (2000); lost ones come back
 * STATSFILE (3 x u64): sessions that stand, sessions that failed or were closed by the server, octets sent as a loris. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GREET, HELLO, START, SHAKE, SECURE, STANDS };
struct conn {
    int fd, st, kind, step, stood;
    size_t at;
    uint64_t due;
    SSL *ssl;
    char in[1024];
    size_t have;
};
static int ep, port, sessions = 1, tls, loris, interval = 2000;
static uint64_t *stats;
static SSL_CTX *ctx;
static struct conn *all;
static volatile sig_atomic_t stop;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static void on_sig(int s) { (void)s; stop = 1; }

static void lose(struct conn *c)
{
    if (c->fd < 0) return;
    if (c->stood) stats[0]--;
    stats[1]++;
    if (c->ssl) SSL_free(c->ssl);
    close(c->fd);
    c->fd = -1;
    c->ssl = 0;
    c->due = now() + 1000;
}
static void stands(struct conn *c)
{
    c->st = STANDS;
    c->stood = 1;
    stats[0]++;
    c->due = now() + (uint64_t)(random() % interval);
}
static void dial(struct conn *c)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    /* many source addresses: one has only some 28,000 ports */
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) { perror("socket"); exit(1); }
    bind(c->fd, (void *)&from, sizeof from);
    if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) { lose(c); return; }
    struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    c->st = GREET; c->have = 0; c->at = 0; c->step = 0; c->stood = 0;
    if (loris && c->kind == 0) stands(c);
}
static int put(struct conn *c, const char *text, size_t n)
{
    ssize_t sent = c->ssl ? SSL_write(c->ssl, text, (int)n) : send(c->fd, text, n, MSG_NOSIGNAL);
    return sent == (ssize_t)n ? 0 : -1;
}
static int say(struct conn *c, const char *text) { return put(c, text, strlen(text)); }

/* a whole reply has come: its code, else 0 */
static int reply(struct conn *c)
{
    char *line = c->in, *end;
    c->in[c->have] = 0;
    while ((end = strchr(line, '\n'))) {
        if (end - line >= 4 && line[3] == ' ') { int code = atoi(line); c->have = 0; return code; }
        line = end + 1;
    }
    if (c->have > sizeof c->in - 2) c->have = 0;
    return 0;
}
static void shake(struct conn *c)
{
    int r = SSL_do_handshake(c->ssl);
    if (r == 1) {
        struct epoll_event in = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &in);
        c->st = SECURE;
        if (say(c, "EHLO idle.test\r\n")) lose(c);
        return;
    }
    int e = SSL_get_error(c->ssl, r);
    if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) { lose(c); return; }
    struct epoll_event w = { .events = EPOLLIN | EPOLLRDHUP | (e == SSL_ERROR_WANT_WRITE ? EPOLLOUT : 0), .data.ptr = c };
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &w);
}
static void step(struct conn *c, int code)
{
    if (c->st == GREET && code == 220) { c->st = HELLO; if (say(c, "EHLO idle.test\r\n")) lose(c); }
    else if (c->st == HELLO && code == 250 && tls) { c->st = START; if (say(c, "STARTTLS\r\n")) lose(c); }
    else if (c->st == HELLO && code == 250 && loris && c->kind == 2) {
        if (c->step++ == 0) { if (say(c, "MAIL FROM:<a@idle.test>\r\n")) lose(c); }
        else if (c->step == 2) { if (say(c, "RCPT TO:<b@bench.test>\r\n")) lose(c); }
        else if (say(c, "DATA\r\n")) lose(c);
    }
    else if (c->st == HELLO && code == 354) stands(c);
    else if (c->st == HELLO && code == 250) stands(c);
    else if (c->st == START && code == 220) {
        c->st = SHAKE;
        c->ssl = SSL_new(ctx);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_connect_state(c->ssl);
        shake(c);
    }
    else if (c->st == SECURE && code == 250) stands(c);
    else lose(c);
}
static void ready(struct conn *c)
{
    if (c->st == SHAKE) { shake(c); if (c->st != SECURE) return; }
    for (;;) {
        if (c->fd < 0) return;
        size_t room = sizeof c->in - 1 - c->have;
        ssize_t n = c->ssl ? SSL_read(c->ssl, c->in + c->have, (int)room) : recv(c->fd, c->in + c->have, room, 0);
        if (n <= 0) {
            int again = c->ssl ? SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ : n < 0 && (errno == EAGAIN || errno == EINTR);
            if (!again) lose(c);
            return;
        }
        c->have += (size_t)n;
        if (c->st == STANDS) { c->have = 0; continue; }
        int code = reply(c);
        if (code) step(c, code);
    }
}
/* one octet more */
static void crawl(struct conn *c, uint64_t t)
{
    static const char *text[] = { "EHLO a-very-slow-client-that-never-comes-to-an-end.test", "MAIL FROM:<slow@idle.test> SIZE=1000000 BODY=8BITMIME",
                                  "Subject: slow and never ending\r\n\r\nslow slow slow slow slow slow slow slow slow slow\r\n" };
    const char *s = text[c->kind];
    char octet = s[c->at % strlen(s)];
    /* the commands never end: their last words repeat */
    if (++c->at == strlen(s)) c->at = c->kind == 2 ? 34 : 20;
    if (put(c, &octet, 1)) { lose(c); return; }
    stats[2]++;
    c->due = t + (uint64_t)interval;
}
int main(int argc, char **argv)
{
    const char *file = 0;
    for (int o; (o = getopt(argc, argv, "p:c:s:tli:")) != -1;) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'c': sessions = atoi(optarg); break;
        case 's': file = optarg; break;
        case 't': tls = 1; break;
        case 'l': loris = 1; break;
        case 'i': interval = atoi(optarg); break;
        default: return 2;
    }
    if (!port || !file || interval < 1) { fprintf(stderr, "bhold: -p PORT and -s STATSFILE are needed\n"); return 2; }
    struct rlimit r = { (rlim_t)sessions + 100, (rlim_t)sessions + 100 };
    if (setrlimit(RLIMIT_NOFILE, &r)) getrlimit(RLIMIT_NOFILE, &r), r.rlim_cur = r.rlim_max, setrlimit(RLIMIT_NOFILE, &r);
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || ftruncate(fd, 24)) { perror(file); return 1; }
    stats = mmap(0, 24, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (tls) {
        ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, 0);
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    }
    signal(SIGTERM, on_sig); signal(SIGINT, on_sig); signal(SIGPIPE, SIG_IGN);
    ep = epoll_create1(EPOLL_CLOEXEC);
    all = calloc((size_t)sessions, sizeof *all);
    int dialed = 0;
    uint64_t swept = 0;
    while (!stop) {
        while (dialed < sessions && dialed - (long)stats[0] - (long)stats[1] < 64) {
            struct conn *c = &all[dialed];
            c->kind = dialed % 3;
            dialed++;
            dial(c);
        }
        struct epoll_event e[256];
        int n = epoll_wait(ep, e, 256, loris ? 20 : 200);
        for (int i = 0; i < n; i++) { struct conn *c = e[i].data.ptr; if (c->fd >= 0) ready(c); }
        uint64_t t = now();
        if (loris && t > swept + 20) {
            swept = t;
            for (int i = 0; i < dialed; i++) {
                struct conn *c = &all[i];
                if (c->fd >= 0 && c->st == STANDS && t >= c->due) crawl(c, t);
                else if (c->fd < 0 && t >= c->due) dial(c);
            }
        }
    }
    return 0;
}

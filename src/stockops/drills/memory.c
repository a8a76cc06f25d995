/*
 * The memory of a server, refused: a library that it is started with (LD_PRELOAD).
 *
 * The file that STOCKOPS_MEMORY names has a line for each process that gets no more: "PID BYTES" of
 * addresses. Who is not in it has the line of who started it. Before it asks for memory, a process
 * reads the file, at most every 10 ms, and sets its own soft limit; what is more, the kernel
 * refuses. Without a line it has the limit of before. What cannot be read changes nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 10000000L

/* The names by which the C library has its own: dlsym() would ask for memory itself. */
extern void *__libc_malloc(size_t count);
extern void *__libc_calloc(size_t number, size_t count);
extern void *__libc_realloc(void *at, size_t count);

static char *control;
static int limited;
static rlim_t usual; /* the soft limit of before, while limited */
static long looked_ns;
static int looking;

/* A server may write over its environment later on. */
__attribute__((constructor)) static void begin(void)
{
    const char *said = getenv("STOCKOPS_MEMORY");
    if (said && asprintf(&control, "%s", said) < 0)
        control = NULL;
}

/* What the file says of us, else of who started us: 0 for nothing, -1 where it cannot be read. */
static long long allowed(void)
{
    static char said[32768];
    long long own = 0, inherited = 0;
    int file = open(control, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t count = read(file, said, sizeof said - 1);
    close(file);
    if (count < 0)
        return -1;
    said[count] = '\0';
    /* A line without its end is still being written. */
    for (char *line = said, *end; (end = strchr(line, '\n')); line = end + 1) {
        char *rest;
        long pid = strtol(line, &rest, 10);
        long long bytes = strtoll(rest, NULL, 10);
        if (pid == getpid())
            own = bytes;
        else if (pid == getppid())
            inherited = bytes;
    }
    return own ? own : inherited;
}

static void apply(void)
{
    struct rlimit limit;
    long long most = allowed();
    if (most < 0 || (most == 0 && !limited) || getrlimit(RLIMIT_AS, &limit) != 0)
        return;
    if (!limited)
        usual = limit.rlim_cur;
    limited = most > 0;
    rlim_t wanted = limited ? (rlim_t)most : usual;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

/* One thread looks, and the others go on. */
static void look(void)
{
    struct timespec now;
    if (!control || clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
        return;
    long now_ns = now.tv_sec * 1000000000L + now.tv_nsec;
    if (now_ns - __atomic_load_n(&looked_ns, __ATOMIC_RELAXED) < PAUSE_NS ||
        __atomic_exchange_n(&looking, 1, __ATOMIC_ACQUIRE))
        return;
    int kept = errno;
    apply();
    errno = kept;
    __atomic_store_n(&looked_ns, now_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&looking, 0, __ATOMIC_RELEASE);
}

void *malloc(size_t count)
{
    look();
    return __libc_malloc(count);
}

void *calloc(size_t number, size_t count)
{
    look();
    return __libc_calloc(number, count);
}

void *realloc(void *at, size_t count)
{
    look();
    return __libc_realloc(at, count);
}

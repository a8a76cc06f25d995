/*
 * The syncs of a server, slow or refused: a library that it is started with (LD_PRELOAD).
 *
 * Each sync reads the file that STOCKOPS_SYNCS names, "MICROSECONDS ERRNO": it waits for so long,
 * and fails with that number unless it is 0. What cannot be read changes nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char *control;

/* A server may write over its environment later on. */
__attribute__((constructor)) static void begin(void)
{
    const char *said = getenv("STOCKOPS_SYNCS");
    if (said && asprintf(&control, "%s", said) < 0)
        control = NULL;
}

static int refused(void)
{
    char said[64];
    long late_us = 0;
    int error = 0, before = errno;
    int file = control ? open(control, O_RDONLY | O_CLOEXEC) : -1;

    if (file >= 0) {
        ssize_t count = read(file, said, sizeof said - 1);
        close(file);
        said[count > 0 ? count : 0] = '\0';
        if (sscanf(said, "%ld %d", &late_us, &error) != 2)
            late_us = error = 0;
    }
    struct timespec left = {late_us / 1000000, late_us % 1000000 * 1000};
    while (late_us > 0 && nanosleep(&left, &left) && errno == EINTR)
        ;
    errno = error ? error : before;
    return error;
}

#define INSTEAD(name, takes, given)                             \
    int name takes                                              \
    {                                                           \
        static int(*usual) takes;                               \
        if (!usual)                                             \
            usual = (int(*) takes)dlsym(RTLD_NEXT, #name);      \
        return refused() ? -1 : usual given;                    \
    }

INSTEAD(fsync, (int fd), (fd))
INSTEAD(fdatasync, (int fd), (fd))
INSTEAD(sync_file_range, (int fd, off64_t from, off64_t count, unsigned int how),
        (fd, from, count, how))
INSTEAD(msync, (void *at, size_t count, int how), (at, count, how))

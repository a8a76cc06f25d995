/*
 * Loaded into a server before libc: notes every write to a file with what was there before, and
 * every sync, so that after the server was killed the writes that nothing had synced can be undone.
 *
 * A record goes out by one writev() to a file opened with O_APPEND: the order of records is the
 * order in which they were made, over all processes. A write is noted before it is done (W) and
 * after (E), a sync before (S) and after (D): what counts as synced is a write that ended before a
 * sync of its file began that then succeeded. The file is named by $STOCKOPS_UNSYNCED.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    uint64_t kind, id, device, inode, offset, length, size, kept; /* size: of the file before */
};

static int notes = -1;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("STOCKOPS_UNSYNCED");
    int fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (fd < 0) return;
    notes = fcntl(fd, F_DUPFD_CLOEXEC, 400); /* out of the way of what counts descriptors */
    if (notes < 0) _exit(97);
    close(fd);
}

static uint64_t fresh_id(void) {
    static uint64_t count;
    return ((uint64_t)getpid() << 40) | __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
}

static void note(struct record *what, void *old) {
    struct iovec parts[2] = {{what, sizeof *what}, {old, what->kept}};
    ssize_t whole = (ssize_t)(sizeof *what + what->kept);
    if (syscall(SYS_writev, notes, parts, what->kept ? 2 : 1) != whole) _exit(98);
}

static void note_plain(char kind, uint64_t id, const struct stat *file) {
    struct record what = {(uint64_t)kind, id, file->st_dev, file->st_ino, 0, 0, 0, 0};
    note(&what, NULL);
}

/* Note a write that will be done; 0: there is nothing to note. `offset` -1: where the file is at. */
static uint64_t before(int fd, size_t length, off_t offset, struct stat *file) {
    int saved = errno, flags;
    if (notes < 0 || fd == notes || !length || fstat(fd, file) || !S_ISREG(file->st_mode)) goto none;
    flags = fcntl(fd, F_GETFL);
    if (flags & O_DSYNC) goto none; /* O_SYNC holds that bit, too */
    if (offset < 0) offset = flags & O_APPEND ? file->st_size : lseek(fd, 0, SEEK_CUR);
    struct record what = {'W', fresh_id(), file->st_dev, file->st_ino, (uint64_t)offset, length,
                          (uint64_t)file->st_size, 0};
    char *old = NULL;
    if (offset < file->st_size) {
        char path[40] = "/proc/self/fd/", digits[12];
        int at = 14, n = 0, rest = fd, reader;
        do digits[n++] = (char)('0' + rest % 10); while (rest /= 10);
        while (n) path[at++] = digits[--n];
        path[at] = 0;
        reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        old = malloc(length);
        if (reader < 0 || !old) _exit(99);
        while (what.kept < length) {
            ssize_t got = pread(reader, old + what.kept, length - what.kept, offset + (off_t)what.kept);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) _exit(99);
            if (!got) break;
            what.kept += (uint64_t)got;
        }
        close(reader);
    }
    note(&what, old);
    free(old);
    errno = saved;
    return what.id;
none:
    errno = saved;
    return 0;
}

static ssize_t after(uint64_t id, const struct stat *file, ssize_t answer) {
    int saved = errno;
    if (id) note_plain('E', id, file);
    errno = saved;
    return answer;
}

static size_t total(const struct iovec *parts, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    return sum;
}

ssize_t write(int fd, const void *from, size_t length) {
    struct stat file;
    uint64_t id = before(fd, length, -1, &file);
    return after(id, &file, syscall(SYS_write, fd, from, length));
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t offset) {
    struct stat file;
    uint64_t id = before(fd, length, offset, &file);
    return after(id, &file, syscall(SYS_pwrite64, fd, from, length, offset));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    struct stat file;
    uint64_t id = before(fd, total(parts, count), -1, &file);
    return after(id, &file, syscall(SYS_writev, fd, parts, count));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    struct stat file;
    uint64_t id = before(fd, total(parts, count), offset, &file);
    return after(id, &file, syscall(SYS_pwritev, fd, parts, count, offset, 0L));
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    struct stat file;
    int sync = flags & (RWF_DSYNC | RWF_SYNC);
    uint64_t id = sync ? 0 : before(fd, total(parts, count), offset, &file);
    return after(id, &file, syscall(SYS_pwritev2, fd, parts, count, offset, 0L, flags));
}

ssize_t pwrite64(int, const void *, size_t, off64_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off64_t) __attribute__((alias("pwritev")));
ssize_t pwritev64v2(int, const struct iovec *, int, off64_t, int)
    __attribute__((alias("pwritev2")));

static int synced(int fd, long call) {
    struct stat file;
    int saved = errno, known = notes >= 0 && !fstat(fd, &file) && S_ISREG(file.st_mode);
    uint64_t id = known ? fresh_id() : 0;
    if (known) note_plain('S', id, &file);
    errno = saved;
    int answer = (int)syscall(call, fd);
    saved = errno;
    if (known && !answer) note_plain('D', id, &file);
    errno = saved;
    return answer;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* The number of a file that is gone may be given to a new one: what was noted of it is void. */
static void gone(int directory, const char *path) {
    struct stat file;
    int saved = errno;
    if (notes >= 0 && !fstatat(directory, path, &file, AT_SYMLINK_NOFOLLOW) && S_ISREG(file.st_mode)
        && file.st_nlink == 1)
        note_plain('F', 0, &file);
    errno = saved;
}

int unlinkat(int directory, const char *path, int flags) {
    gone(directory, path);
    return (int)syscall(SYS_unlinkat, directory, path, flags);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rename(const char *from, const char *to) {
    gone(AT_FDCWD, to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

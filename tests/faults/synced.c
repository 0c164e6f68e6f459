/* Tells what a program has asked the disk to have: loaded before it (LD_PRELOAD).
 *
 * Each file that is synced is copied as it is at that moment, before the disk is asked; syncs,
 * renames and removals are noted in the order in which they happen, one a line, in $SYNCED/log.
 * What is in a file beyond its last copy is what a power cut can take.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *format, ...)
{
    char name[PATH_MAX], line[3 * PATH_MAX];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    snprintf(name, sizeof name, "%s/log", getenv("SYNCED"));
    int log = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log < 0 || write(log, line, length) != length)
        abort();
    close(log);
}

static void copy(int source, const char *name)
{
    char block[1 << 16];
    ssize_t size;
    off_t at = 0;
    int target = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while ((size = pread(source, block, sizeof block, at)) > 0) {
        if (write(target, block, size) != size)
            abort();
        at += size;
    }
    if (size < 0 || target < 0)
        abort();
    close(target);
}

static void note_sync(int handle)
{
    static int copies;
    char link[64], path[PATH_MAX], name[PATH_MAX];
    struct stat what;
    struct timespec now;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || fstat(handle, &what) != 0)
        return;
    path[length] = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&turn);
    if (S_ISDIR(what.st_mode)) {
        note("directory\t%s\n", path);
    } else {
        snprintf(name, sizeof name, "%s/%d", getenv("SYNCED"), ++copies);
        /* A file opened anew would, when it is closed, take SQLite's locks with it. */
        int only_writes = (fcntl(handle, F_GETFL) & O_ACCMODE) == O_WRONLY;
        int source = only_writes ? open(path, O_RDONLY) : handle;
        copy(source, name);
        if (only_writes)
            close(source);
        note("file\t%s\t%d\t%ld.%09ld\n", path, copies, (long)now.tv_sec, now.tv_nsec);
    }
    pthread_mutex_unlock(&turn);
}

int fsync(int handle)
{
    static int (*ask)(int);
    if (!ask)
        ask = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    note_sync(handle);
    return ask(handle);
}

int fdatasync(int handle)
{
    static int (*ask)(int);
    if (!ask)
        ask = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    note_sync(handle);
    return ask(handle);
}

int rename(const char *from, const char *to)
{
    static int (*ask)(const char *, const char *);
    if (!ask)
        ask = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    pthread_mutex_lock(&turn);
    int failed = ask(from, to);
    if (!failed)
        note("rename\t%s\t%s\n", from, to);
    pthread_mutex_unlock(&turn);
    return failed;
}

int unlink(const char *path)
{
    static int (*ask)(const char *);
    if (!ask)
        ask = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    pthread_mutex_lock(&turn);
    int failed = ask(path);
    if (!failed)
        note("remove\t%s\n", path);
    pthread_mutex_unlock(&turn);
    return failed;
}

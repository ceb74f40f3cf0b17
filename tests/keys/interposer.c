/*
 * Loaded into a command with LD_PRELOAD: counts what is done to key files, and at one of these operations ends the process
 * (half of a write is done then) or lets it fail with ENOSPC.
 *
 * INTERPOSER_LOG=<file>      one line per operation
 * INTERPOSER_KILL=<number>   from 1
 * INTERPOSER_FAIL=<number>   from 1
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define MAX_FD 4096

static char watched[MAX_FD];
static int count;

static int is_key_file(const char *path) {
  if (strstr(path, "tape-encryption-key") == NULL && strstr(path, "key-records") == NULL) return 0;
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, ".lck") != 0;
}

static int ends_with(const char *path, const char *end) {
  size_t length = strlen(path);
  return length >= strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

/* The folders that are synced after a file in them was replaced. */
static int is_folder(const char *path) {
  return ends_with(path, "/etc/proxmox-backup") || ends_with(path, "/proxmox-backup/ferrite");
}

static int number(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : atoi(text);
}

/* 0: go on; -1: fail; does not return where the process is to end. `before` does part of the work first. */
static int operation(const char *what, void (*before)(void *), void *argument) {
  count++;
  const char *log = getenv("INTERPOSER_LOG");
  if (log != NULL) {
    FILE *file = fopen(log, "a");
    if (file != NULL) {
      fprintf(file, "%s\n", what);
      fclose(file);
    }
  }
  if (count == number("INTERPOSER_KILL")) {
    if (before != NULL) before(argument);
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (count == number("INTERPOSER_FAIL")) {
    errno = ENOSPC;
    return -1;
  }
  return 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(int fd, const char *path) {
  if (fd >= 0 && fd < MAX_FD) watched[fd] = (char)(is_key_file(path) || is_folder(path));
  return fd;
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  if (is_key_file(path) && (flags & O_CREAT) && operation("create", NULL, NULL) != 0) return -1;
  return opened(NEXT(open64)(path, flags, mode), path);
}

struct piece {
  int fd;
  const void *bytes;
  size_t length;
};

static void write_half(void *argument) {
  struct piece *piece = argument;
  (void)!NEXT(write)(piece->fd, piece->bytes, piece->length / 2);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct piece piece = {fd, bytes, length};
  if (fd >= 0 && fd < MAX_FD && watched[fd] && operation("write", write_half, &piece) != 0) return -1;
  return NEXT(write)(fd, bytes, length);
}

int fchmod(int fd, mode_t mode) {
  if (fd >= 0 && fd < MAX_FD && watched[fd] && operation("chmod", NULL, NULL) != 0) return -1;
  return NEXT(fchmod)(fd, mode);
}

int fchown(int fd, uid_t uid, gid_t gid) {
  if (fd >= 0 && fd < MAX_FD && watched[fd] && operation("chown", NULL, NULL) != 0) return -1;
  return NEXT(fchown)(fd, uid, gid);
}

int fsync(int fd) {
  if (fd >= 0 && fd < MAX_FD && watched[fd] && operation("sync", NULL, NULL) != 0) return -1;
  return NEXT(fsync)(fd);
}

int rename(const char *from, const char *to) {
  if (is_key_file(to) && operation("rename", NULL, NULL) != 0) return -1;
  return NEXT(rename)(from, to);
}

int close(int fd) {
  if (fd >= 0 && fd < MAX_FD) watched[fd] = 0;
  return NEXT(close)(fd);
}

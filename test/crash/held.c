/*
 * A disk whose syncs do not come back: loaded with LD_PRELOAD, fsync and fdatasync of files below a folder wait for as
 * long as a file exists. What is written stays written.
 *
 *   HELD_FOLDER  absolute real path of the folder
 *   HELD_WHILE   the file
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_held(int fd) {
  char link[64], path[PATH_MAX + 1];
  const char *folder = getenv("HELD_FOLDER"), *held = getenv("HELD_WHILE");
  if (!folder || !held) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 0) return 0;
  path[length] = 0;
  return !strncmp(path, folder, strlen(folder)) && access(held, F_OK) == 0;
}

int fsync(int fd) {
  while (is_held(fd)) usleep(2000);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
  while (is_held(fd)) usleep(2000);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

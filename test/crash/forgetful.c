/*
 * A disk that forgets: loaded with LD_PRELOAD, it keeps beside a folder an image of what a power cut would leave of it.
 * Writes reach the image only when fsync or fdatasync is called on their file, names only when fsync is called on their
 * folder. After SIGKILL the harness (forgetful.ts) rebuilds the folder from the image alone.
 *
 *   FORGETFUL_FOLDER  absolute real path of the folder
 *   FORGETFUL_IMAGE   an empty folder outside of it, for the image
 *   FORGETFUL_FAIL    "write N ERRNO" or "sync N ERRNO": the N-th of them, counted from 1, fails with this number; with
 *                     ENOSPC every write behind it fails too, and the first of them writes half of what it was given
 *   FORGETFUL_FAILED  a file that is made when that happens; it holds the path that the call was for
 *   FORGETFUL_KILL    N: the process dies of SIGKILL in place of the N-th call, counted from 1, that writes, syncs, renames or
 *                     removes something in the folder
 *   FORGETFUL_LIE     when set, fsync and fdatasync leave the image as it is: a disk that lies
 *
 * Image: files/ID holds the durable bytes of a file, folders/ID the durable names of a folder, one "ID TYPE INODE NAME" a
 * line (TYPE f or d). The folder itself is ID 1. IDs are for life, inode numbers are used again. A file that was never synced
 * has no bytes. The file `begun` is made once the image holds all that was there before the program's own first step. Not seen: writes through mmap. SQLite maps only its -shm file, which is made anew after a crash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- what is known of the folder, all under one lock ---- */

struct range { off_t from, to; struct range *next; };
struct node { ino_t ino; long id; struct range *unsynced; struct node *next; };

#define BUCKETS 4096
static struct node *nodes[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX], image[PATH_MAX];
#define LONG_PATH (2 * PATH_MAX + 64)
static size_t folder_length;
static dev_t device;
static long last_id;
static int active, lying;

/* which call fails, and how often it was called */
enum { NONE, WRITE, SYNC };
static int fail_kind, fail_errno, failed;
static long fail_at, calls;
/* before which call the process dies; 0 for none */
static long kill_at, steps;
static char failed_path[PATH_MAX];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, off_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);

static void die(const char *what) {
  dprintf(2, "forgetful: %s: %s\n", what, strerror(errno));
  _exit(99);
}

static struct node *find(ino_t ino) {
  for (struct node *node = nodes[ino % BUCKETS]; node; node = node->next)
    if (node->ino == ino) return node;
  return NULL;
}

static struct node *know(ino_t ino) {
  struct node *node = find(ino);
  if (node) return node;
  if (!(node = calloc(1, sizeof *node))) die("memory");
  *node = (struct node){ .ino = ino, .id = ++last_id, .next = nodes[ino % BUCKETS] };
  nodes[ino % BUCKETS] = node;
  return node;
}

static void forget_ranges(struct node *node) {
  while (node->unsynced) {
    struct range *range = node->unsynced;
    node->unsynced = range->next;
    free(range);
  }
}

/* The inode is no longer what it was: its number may come back as another file. */
static void unknow(ino_t ino) {
  for (struct node **at = &nodes[ino % BUCKETS]; *at; at = &(*at)->next) {
    struct node *node = *at;
    if (node->ino != ino) continue;
    *at = node->next;
    forget_ranges(node);
    free(node);
    return;
  }
}

static void written(struct node *node, off_t from, off_t to) {
  if (from >= to) return;
  if (node->unsynced && node->unsynced->to == from) { node->unsynced->to = to; return; } /* appended */
  struct range *range = malloc(sizeof *range);
  if (!range) die("memory");
  *range = (struct range){ from, to, node->unsynced };
  node->unsynced = range;
}

/* ---- the image ---- */

static int open_image(const char *kind, long id, int flags) {
  char path[LONG_PATH];
  snprintf(path, sizeof path, "%s/%s/%ld", image, kind, id);
  int fd = real_open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) die(path);
  return fd;
}

static void copy(int from, int to, off_t at, off_t end) {
  static char buffer[1 << 16];
  while (at < end) {
    size_t wanted = end - at < (off_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
    ssize_t got = pread(from, buffer, wanted, at);
    if (got < 0) die("reading a file");
    if (got == 0) return;
    if (real_pwrite(to, buffer, got, at) != got) die("writing the image");
    at += got;
  }
}

/* Opens a descriptor's file again: the caller's may be for writing only. */
static int reopen(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = real_open(path, O_RDONLY | O_CLOEXEC);
  if (again < 0) die("opening a file again");
  return again;
}

static void keep_file(struct node *node, int fd, off_t size) {
  int from = reopen(fd);
  int to = open_image("files", node->id, O_WRONLY | O_CREAT);
  if (real_ftruncate(to, size) != 0) die("cutting the image");
  for (struct range *range = node->unsynced; range; range = range->next)
    copy(from, to, range->from, range->to < size ? range->to : size);
  forget_ranges(node);
  close(from);
  close(to);
}

static void keep_folder(struct node *node, int fd) {
  char made[LONG_PATH], kept[LONG_PATH];
  /* the kill may come in the middle of this: the old list is good until the new one is whole */
  int to = open_image("folders", -node->id, O_WRONLY | O_CREAT | O_TRUNC);
  DIR *dir = fdopendir(reopen(fd));
  if (!dir) die("reading a folder");
  for (struct dirent *entry; (entry = readdir(dir));) {
    struct stat st;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) continue; /* a socket has nothing to keep */
    char type = S_ISDIR(st.st_mode) ? 'd' : 'f';
    dprintf(to, "%ld %c %lu %s\n", know(st.st_ino)->id, type, (unsigned long)st.st_ino, entry->d_name);
  }
  closedir(dir);
  close(to);
  snprintf(made, sizeof made, "%s/folders/%ld", image, -node->id);
  snprintf(kept, sizeof kept, "%s/folders/%ld", image, node->id);
  if (real_rename(made, kept) != 0) die("keeping a folder");
}

/* Says which file the call was for that failed. */
static void tell_failure(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  int to = real_open(failed_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (length < 0 || real_write(to, path, (size_t)length) != length) die("telling of a failure");
  close(to);
}

/* Dies here when this is the step to die at. */
static void step(void) {
  if (!kill_at) return;
  pthread_mutex_lock(&lock);
  if (++steps == kill_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  pthread_mutex_unlock(&lock);
}

static void step_on(int fd) {
  struct stat st;
  if (!active || !kill_at || fstat(fd, &st) != 0 || st.st_dev != device) return;
  pthread_mutex_lock(&lock);
  int known = find(st.st_ino) != NULL;
  pthread_mutex_unlock(&lock);
  if (known) step();
}

/* True when this call on a file of the folder is to fail; errno says with what. */
static int refuses(int kind, int fd) {
  struct stat st;
  step_on(fd);
  if (!active || fail_kind != kind || fstat(fd, &st) != 0 || st.st_dev != device) return 0;
  pthread_mutex_lock(&lock);
  int hit = 0;
  struct node *node = find(st.st_ino);
  if (node) {
    calls++;
    hit = calls == fail_at || (calls > fail_at && fail_errno == ENOSPC);
    if (hit && !failed && *failed_path) tell_failure(fd);
    failed |= hit;
    /* as Linux does: what a sync could not write is clean from then on, and no later sync writes it */
    if (hit && kind == SYNC) forget_ranges(node);
  }
  pthread_mutex_unlock(&lock);
  if (hit) errno = fail_errno;
  return hit;
}

static void synced(int fd) {
  struct stat st;
  if (!active || lying || fstat(fd, &st) != 0 || st.st_dev != device) return;
  pthread_mutex_lock(&lock);
  struct node *node = find(st.st_ino);
  /* once more, under the lock: every range that is noted lies within this size */
  if (fstat(fd, &st) != 0) die("looking at a file");
  if (node && S_ISDIR(st.st_mode)) keep_folder(node, fd);
  else if (node && S_ISREG(st.st_mode)) keep_file(node, fd, st.st_size);
  pthread_mutex_unlock(&lock);
}

/* ---- the beginning: what is there is durable ---- */

static int snapshot(const char *path, const struct stat *st, int type, struct FTW *walk) {
  (void)type; (void)walk;
  struct node *node = know(st->st_ino);
  int fd = real_open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(path);
  if (S_ISREG(st->st_mode)) {
    written(node, 0, st->st_size);
    keep_file(node, fd, st->st_size);
  } else if (S_ISDIR(st->st_mode)) {
    keep_folder(node, fd);
  }
  close(fd);
  return 0;
}

static void *real(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) die(name);
  return function;
}

__attribute__((constructor)) static void begin(void) {
  struct stat st;
  char path[LONG_PATH];
  const char *from = getenv("FORGETFUL_FOLDER"), *to = getenv("FORGETFUL_IMAGE");
  real_open = real("open64");
  real_openat = real("openat64");
  real_write = real("write");
  real_pwrite = real("pwrite64");
  real_writev = real("writev");
  real_pwritev = real("pwritev64");
  real_ftruncate = real("ftruncate64");
  real_fallocate = real("posix_fallocate64");
  real_fsync = real("fsync");
  real_fdatasync = real("fdatasync");
  real_rename = real("rename");
  real_unlink = real("unlink");
  real_unlinkat = real("unlinkat");
  real_mkdir = real("mkdir");
  real_rmdir = real("rmdir");
  unsetenv("LD_PRELOAD"); /* for this process only */
  if (!from || !to) return;
  snprintf(folder, sizeof folder, "%s", from);
  snprintf(image, sizeof image, "%s", to);
  folder_length = strlen(folder);
  if (stat(folder, &st) != 0) die(folder);
  device = st.st_dev;
  snprintf(path, sizeof path, "%s/files", image);
  if (real_mkdir(path, 0700) != 0) die(path);
  snprintf(path, sizeof path, "%s/folders", image);
  if (real_mkdir(path, 0700) != 0) die(path);
  know(st.st_ino); /* ID 1 */
  if (nftw(folder, snapshot, 16, FTW_PHYS) != 0) die("walking the folder");
  /* from here on the image stands for the folder; without this file the program has not begun */
  snprintf(path, sizeof path, "%s/begun", image);
  int begun = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (begun < 0) die(path);
  close(begun);
  lying = getenv("FORGETFUL_LIE") != NULL;
  const char *fail = getenv("FORGETFUL_FAIL"), *mark = getenv("FORGETFUL_FAILED");
  char kind[8] = "";
  if (fail && sscanf(fail, "%7s %ld %d", kind, &fail_at, &fail_errno) == 3)
    fail_kind = !strcmp(kind, "write") ? WRITE : SYNC;
  const char *die_at = getenv("FORGETFUL_KILL");
  kill_at = die_at ? atol(die_at) : 0;
  if (mark) snprintf(failed_path, sizeof failed_path, "%s", mark);
  active = 1;
}

/* ---- what programs call ---- */

/* True for a path in the folder, as it will be there: its parent exists, it need not. */
static int is_inside(int dir, const char *path) {
  char whole[LONG_PATH], parent[PATH_MAX + 1], found[PATH_MAX];
  if (strlen(path) >= PATH_MAX) return 0;
  if (!active) return 0;
  if (path[0] == '/' || dir == AT_FDCWD) {
    snprintf(whole, sizeof whole, "%s", path);
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t length = readlink(link, parent, PATH_MAX);
    if (length < 0) return 0;
    parent[length] = 0;
    snprintf(whole, sizeof whole, "%s/%s", parent, path);
  }
  char *slash = strrchr(whole, '/');
  if (slash) *slash = 0;
  if (!realpath(!slash ? "." : *whole ? whole : "/", found)) return 0;
  return !strncmp(found, folder, folder_length) && (found[folder_length] == 0 || found[folder_length] == '/');
}

static int after_open(int fd, int dir, const char *path, int flags, int existed) {
  struct stat st;
  if (fd < 0 || !active || !is_inside(dir, path) || fstat(fd, &st) != 0 || st.st_dev != device) return fd;
  int kept = errno;
  pthread_mutex_lock(&lock);
  if (!existed) unknow(st.st_ino);
  struct node *node = know(st.st_ino);
  if ((flags & O_TRUNC) && S_ISREG(st.st_mode)) forget_ranges(node);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return fd;
}

#define MODE mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int openat64(int dir, const char *path, int flags, ...) {
  MODE
  struct stat st;
  int existed = !(flags & O_CREAT) || fstatat(dir, path, &st, 0) == 0;
  return after_open(real_openat(dir, path, flags, mode), dir, path, flags, existed);
}
int openat(int dir, const char *path, int flags, ...) { MODE return openat64(dir, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return openat64(AT_FDCWD, path, flags, mode); }
int open(const char *path, int flags, ...) { MODE return openat64(AT_FDCWD, path, flags, mode); }
int creat(const char *path, mode_t mode) { return openat64(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* Notes `size` bytes at `at`; at -1 they end where the descriptor stands now. */
static ssize_t after_write(ssize_t size, int fd, off_t at) {
  struct stat st;
  if (size <= 0 || !active || fstat(fd, &st) != 0 || st.st_dev != device || !S_ISREG(st.st_mode)) return size;
  pthread_mutex_lock(&lock);
  struct node *node = find(st.st_ino);
  if (node) {
    off_t from = at >= 0 ? at : lseek(fd, 0, SEEK_CUR) - size;
    written(node, from, from + size);
  }
  pthread_mutex_unlock(&lock);
  return size;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  int first = !failed;
  if (!refuses(WRITE, fd)) return after_write(real_write(fd, bytes, size), fd, -1);
  /* a disk that fills up takes what still fits */
  if (fail_errno != ENOSPC || !first || size < 2) return -1;
  return after_write(real_write(fd, bytes, size / 2), fd, -1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
  if (refuses(WRITE, fd)) return -1;
  return after_write(real_pwrite(fd, bytes, size, at), fd, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return refuses(WRITE, fd) ? -1 : after_write(real_writev(fd, parts, count), fd, -1);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
  if (refuses(WRITE, fd)) return -1;
  return after_write(real_pwritev(fd, parts, count, at), fd, at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

int ftruncate64(int fd, off_t size) {
  struct stat st;
  int known = active && fstat(fd, &st) == 0 && st.st_dev == device;
  int result = real_ftruncate(fd, size);
  if (!known || result != 0) return result;
  pthread_mutex_lock(&lock);
  struct node *node = find(st.st_ino);
  /* what was there before and what is zeros now */
  if (node && size < st.st_size) written(node, size, st.st_size);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int truncate64(const char *path, off_t size) {
  int fd = open64(path, O_WRONLY);
  if (fd < 0) return fd;
  int result = ftruncate64(fd, size);
  close(fd);
  return result;
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }

int fsync(int fd) {
  if (refuses(SYNC, fd)) return -1;
  synced(fd); /* what was written before the call; what comes during it is not promised */
  return real_fsync(fd);
}
int fdatasync(int fd) {
  if (refuses(SYNC, fd)) return -1;
  synced(fd);
  return real_fdatasync(fd);
}

static void removed(ino_t ino, nlink_t links) {
  if (links > 1) return;
  pthread_mutex_lock(&lock);
  unknow(ino);
  pthread_mutex_unlock(&lock);
}

int rename(const char *from, const char *to) {
  struct stat st;
  if (is_inside(AT_FDCWD, to)) step();
  int replaces = active && lstat(to, &st) == 0 && st.st_dev == device;
  int result = real_rename(from, to);
  if (result == 0 && replaces) removed(st.st_ino, st.st_nlink);
  return result;
}
int unlinkat(int dir, const char *path, int flags) {
  struct stat st;
  if (is_inside(dir, path)) step();
  int known = active && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == device;
  int result = real_unlinkat(dir, path, flags);
  if (result == 0 && known) removed(st.st_ino, flags & AT_REMOVEDIR ? 1 : st.st_nlink);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode) {
  struct stat st;
  int result = real_mkdir(path, mode);
  if (result != 0 || !is_inside(AT_FDCWD, path) || stat(path, &st) != 0) return result;
  pthread_mutex_lock(&lock);
  unknow(st.st_ino);
  know(st.st_ino);
  pthread_mutex_unlock(&lock);
  return result;
}

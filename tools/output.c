// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a file under a temporary name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <isa-l/mem_routines.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/file.h"
#include "tools/holders.h"
#include "tools/output.h"
#include "tools/signals.h"
#include "tools/store.h"

#define PAGE		4096ULL		/* holes are no smaller */
#define LINKS_MAX	40		/* that a kernel follows */
/* What a temporary name may take of the other: it adds ".", ".XXXXXX", ".old" */
#define STEM_MAX	(NAME_MAX - 12)

/* What a signal handler has to remove. */
static const char *volatile doomed;

static void remove_and_die(int sig)
{
	if (doomed)
		unlink(doomed);
	signal(sig, SIG_DFL);
	raise(sig);
}

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Bits that run a file as its owner go where the owner cannot be kept. */
static int take_mode(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return fchmod(fd, new_file_mode());
	if (fchown(fd, st.st_uid, st.st_gid))
		st.st_mode &= ~(S_ISUID | S_ISGID);
	return fchmod(fd, st.st_mode & 07777);
}

static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 - path : 0;
}

/* Also to what is not there. */
static char *follow_links(const char *path)
{
	char *at = strdup(path), *next, link[PATH_MAX];
	int i, folder;
	ssize_t n;

	for (i = 0; at && i < LINKS_MAX; i++) {
		n = readlink(at, link, sizeof(link));
		if (n < 0)
			break;
		folder = *link == '/' ? 0 : folder_length(at);
		if (asprintf(&next, "%.*s%.*s", folder, at, (int)n, link) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	return at;
}

/* The links in /proc may lead to a pipe, or to a file that has no name. */
int output_target(const char *path, char **target, struct obd_error *err)
{
	bool there;
	struct stat st, to;

	*target = NULL;
	if (!*path)
		return obd_fail(err, -ENOENT, "the output file has no name");
	there = !stat(path, &st);
	if (!there && errno != ENOENT)
		return obd_fail(err, -errno, "%s: %s", path, strerror(errno));
	*target = follow_links(path);
	if (!*target)
		return obd_fail(err, -ENOMEM, "%s: no memory", path);
	if (there && (!S_ISREG(st.st_mode) || stat(*target, &to) ||
		      !same_file(&st, &to)))
		return obd_fail(err, -EEXIST,
				"%s: exists and is no regular file: name another",
				path);
	return there ? holders_refuse_loop(path, &st, false, err) : 0;
}

int output_temp(const char *path, char **temp)
{
	int folder = folder_length(path);
	int fd, r;

	if (asprintf(temp, "%.*s.%.*s.XXXXXX", folder, path, STEM_MAX,
		     path + folder) < 0) {
		*temp = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(*temp, O_CLOEXEC);
	if (fd >= 0 && !take_mode(fd, path))
		return fd;
	r = -errno;
	if (fd >= 0) {
		unlink(*temp);
		close(fd);
	}
	free(*temp);
	*temp = NULL;
	return r;
}

/* No signal comes between a file and the name by which it is removed. */
static int create_temp(struct output *out)
{
	sigset_t all, old;

	signals_catch(remove_and_die);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	out->fd = output_temp(out->target, &out->temp);
	doomed = out->temp;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return min(out->fd, 0);
}

/* That the name has reached the disk can only be known of a folder one may read. */
static int open_folder(struct output *out)
{
	int len = folder_length(out->target);
	char *folder;

	if (asprintf(&folder, "%.*s", len, len ? out->target : ".") < 0)
		return -ENOMEM;
	out->folder_fd = open(len ? folder : ".",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return out->folder_fd < 0 ? -errno : 0;
}

int output_open(struct output *out, const char *path, struct obd_error *err)
{
	int r;

	*out = (struct output) { .path = path, .fd = -1, .folder_fd = -1 };
	r = output_target(path, &out->target, err);
	if (r)
		return r;
	r = create_temp(out);
	if (r)
		return obd_fail(err, r,
				"%s: cannot create a temporary file beside it: %s",
				path, strerror(-r));
	r = open_folder(out);
	if (r)
		return obd_fail(err, r, "%s: cannot open its folder: %s", path,
				strerror(-r));
	return 0;
}

int output_refuse_input(const char *out, const char *input,
			struct obd_error *err)
{
	struct stat to, from;

	if (!input || stat(out, &to) || stat(input, &from) ||
	    !same_file(&to, &from))
		return 0;
	return obd_fail(err, -EEXIST,
			"%s: is the input %s, which would be lost: name another",
			out, input);
}

static bool is_within(const char *folder, const char *dir)
{
	size_t len = strlen(dir);

	/* Only that of the root ends with a slash. */
	if (dir[len - 1] == '/')
		len--;
	return !strncmp(folder, dir, len) &&
	       (!folder[len] || folder[len] == '/');
}

int output_refuse_folder(const char *out, const char *dir,
			 struct obd_error *err)
{
	char *to = follow_links(out), *from = realpath(dir, NULL);
	char *folder = NULL;
	int r = 0;

	if (to) {
		to[folder_length(to)] = '\0';
		folder = realpath(*to ? to : ".", NULL);
	}
	if (folder && from && is_within(folder, from))
		r = obd_fail(err, -EEXIST,
			     "%s: is in %s, and would become a part of itself: name another",
			     out, dir);
	free(folder);
	free(from);
	free(to);
	return r;
}

int output_write(const struct output *out, u64 pos, const void *buf, u64 len,
		 struct obd_error *err)
{
	return store_write(out->fd, out->path, pos, buf, len, err);
}

/* Bytes from @pos on that are all zero, or that are not, page by page. */
static u64 uniform_run(u64 pos, const u8 *buf, u64 len, bool *zero)
{
	u64 run = 0;

	while (run < len) {
		u64 page_end = round_down(pos + run, PAGE) + PAGE;
		u64 n = min(page_end - (pos + run), len - run);
		bool z = !isal_zero_detect((void *)(buf + run), n);

		if (run && z != *zero)
			break;
		*zero = z;
		run += n;
	}
	return run;
}

int output_write_sparse(const struct output *out, u64 pos, const void *buf,
			u64 len, struct obd_error *err)
{
	const u8 *from = buf;
	int r = 0;

	while (!r && len) {
		bool zero = false;
		u64 n = uniform_run(pos, from, len, &zero);

		if (!zero)
			r = output_write(out, pos, from, n, err);
		pos += n;
		from += n;
		len -= n;
	}
	return r;
}

int output_truncate(const struct output *out, u64 size, struct obd_error *err)
{
	return store_cut(out->fd, out->path, size, err);
}

int output_sync(const struct output *out, struct obd_error *err)
{
	return store_sync(out->fd, out->path, err);
}

static int close_file(struct output *out)
{
	int r = out->fd >= 0 && close(out->fd) ? -errno : 0;

	out->fd = -1;
	return r;
}

static void forget(struct output *out)
{
	doomed = NULL;
	if (out->target && out->folder_fd >= 0)
		close(out->folder_fd);
	free(out->temp);
	free(out->target);
	out->temp = NULL;
	out->target = NULL;
}

int output_commit(struct output *out, struct obd_error *err)
{
	int r = output_sync(out, err);

	if (r)
		return r;
	r = close_file(out);
	if (r)
		return obd_fail(err, r, "%s: cannot write it out: %s",
				out->path, strerror(-r));
	if (rename(out->temp, out->target))
		return obd_fail(err, -errno,
				"%s: cannot give the finished file this name: %s",
				out->path, strerror(errno));
	if (fsync(out->folder_fd))
		r = obd_fail(err, -errno,
			     "%s: is complete, but cannot sync its folder: %s",
			     out->path, strerror(errno));
	forget(out);
	return r;
}

void output_discard(struct output *out)
{
	close_file(out);
	if (out->temp && doomed)
		unlink(out->temp);
	forget(out);
}

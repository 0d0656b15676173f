// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find the users of a block device in /proc and /sys.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/busy.h"
#include "tools/commands.h"
#include "tools/holders.h"

#define COMM_SIZE	64
#define FILE_NAME_SIZE	320

struct search {
	const char *name;
	dev_t dev;
	ino_t *namespaces;	/* mount namespaces that have been looked at */
	size_t nr_namespaces;
	unsigned int found;
};

/* The first line of a file; @line stays as it is where there is none. */
static void read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (fgets(line, size, f))
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

static void read_comm(const char *pid, char *comm)
{
	char path[FILE_NAME_SIZE];

	snprintf(comm, COMM_SIZE, "?");
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	read_line(path, comm, COMM_SIZE);
}

/* mountinfo writes blanks and the like as \ and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 |
				(text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static void check_mount(struct search *s, char *line, const char *pid)
{
	unsigned int maj, min;
	char *point = NULL;
	char comm[COMM_SIZE];

	if (sscanf(line, "%*u %*u %u:%u %*s %ms", &maj, &min, &point) == 3 &&
	    makedev(maj, min) == s->dev) {
		unescape(point);
		read_comm(pid, comm);
		s->found++;
		if (!strcmp(pid, "self"))
			complain("%s is mounted on %s", s->name, point);
		else
			complain("%s is mounted on %s where process %s (%s) sees it",
				 s->name, point, pid, comm);
	}
	free(point);
}

/* Has the mount namespace of this process been looked at before? */
static bool namespace_known(struct search *s, const char *pid)
{
	char path[FILE_NAME_SIZE];
	ino_t *more;
	struct stat st;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	if (stat(path, &st))
		return true;
	for (i = 0; i < s->nr_namespaces; i++)
		if (s->namespaces[i] == st.st_ino)
			return true;
	more = reallocarray(s->namespaces, s->nr_namespaces + 1,
			    sizeof(*more));
	if (!more)
		return true;
	s->namespaces = more;
	more[s->nr_namespaces++] = st.st_ino;
	return false;
}

static void search_mounts(struct search *s, const char *pid)
{
	char path[FILE_NAME_SIZE];
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (namespace_known(s, pid))
		return;
	snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		check_mount(s, line, pid);
	free(line);
	fclose(f);
}

/*
 * Is it our device that @name in @dir leads to? Only what has its path in /dev is
 * looked at more closely: to stat a file on a server that is gone would wait for it.
 */
static bool is_our_device(const struct search *s, const char *path, int dir,
			  const char *name)
{
	struct stat st;

	return !strncmp(path, "/dev/", 5) && !fstatat(dir, name, &st, 0) &&
	       S_ISBLK(st.st_mode) && st.st_rdev == s->dev;
}

static bool is_our_path(const struct search *s, const char *path)
{
	return is_our_device(s, path, AT_FDCWD, path);
}

static bool is_our_file(const struct search *s, int dir, const char *fd)
{
	char target[FILE_NAME_SIZE];
	ssize_t len = readlinkat(dir, fd, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return is_our_device(s, target, dir, fd);
}

static void search_files(struct search *s, const char *pid)
{
	char path[FILE_NAME_SIZE], comm[COMM_SIZE];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while (!found && (entry = readdir(dir)))
		found = is_our_file(s, dirfd(dir), entry->d_name);
	closedir(dir);
	if (!found)
		return;
	s->found++;
	read_comm(pid, comm);
	complain("%s is held open by process %s (%s)", s->name, pid, comm);
}

static void search_processes(struct search *s)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    strtol(entry->d_name, NULL, 10) == getpid())
			continue;
		search_mounts(s, entry->d_name);
		search_files(s, entry->d_name);
	}
	closedir(dir);
}

/* A mapped device has a name that says more than the kernel's dm-0. */
static void complain_holder(struct search *s, const char *holder)
{
	char path[FILE_NAME_SIZE], name[HOLDER_SIZE];

	snprintf(name, sizeof(name), "%s", holder);
	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/name", holder);
	read_line(path, name, sizeof(name));
	s->found++;
	complain("%s is part of the device %s", s->name, name);
}

static void search_holders(struct search *s)
{
	char path[FILE_NAME_SIZE];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders",
		 major(s->dev), minor(s->dev));
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			complain_holder(s, entry->d_name);
	closedir(dir);
}

static void check_swap(struct search *s, const char *line)
{
	char *path = NULL;

	if (sscanf(line, "%ms", &path) == 1) {
		unescape(path);
		if (is_our_path(s, path)) {
			s->found++;
			complain("%s is in use as swap: use swapoff %s", s->name,
				 path);
		}
	}
	free(path);
}

static void search_swaps(struct search *s)
{
	FILE *f = fopen("/proc/swaps", "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0)
		check_swap(s, line);
	free(line);
	fclose(f);
}

static void search_loop(struct search *s)
{
	const struct stat st = { .st_mode = S_IFBLK, .st_rdev = s->dev };
	char loop[HOLDER_SIZE];

	holders_find_loop(&st, true, loop);
	if (!*loop)
		return;
	s->found++;
	complain("%s is what the loop device /dev/%s is made of", s->name, loop);
}

void busy_complain(const char *name, dev_t dev)
{
	struct search s = { .name = name, .dev = dev };

	search_mounts(&s, "self");
	search_holders(&s);
	search_loop(&s);
	search_swaps(&s);
	search_processes(&s);
	if (!s.found)
		complain("%s is busy, but not with anything in /proc or /sys: another user in the kernel has it",
			 name);
	free(s.namespaces);
}

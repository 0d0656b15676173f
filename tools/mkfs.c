// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run mke2fs, and make what it writes reproducible.
 */
#define _GNU_SOURCE
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/inode-time.h"
#include "tools/mkfs.h"
#include "tools/options.h"

/* Chosen at random once; the layer's uuid is what tells images apart. */
#define FS_UUID		"5a0c1b0e-84d4-4e0d-9f67-2b7f3d8c6e11"
#define FS_HASH_SEED	"c1b7d0a2-3f5e-4a96-8e21-70d94b6a5c3f"

/*
 * No journal: a layer is written once, and what is written above it does not
 * outlive a crash of its container.
 */
#define FS_FEATURES	"none,64bit,dir_index,dir_nlink,ext_attr,extent," \
			"extra_isize,filetype,flex_bg,huge_file," \
			"large_file,metadata_csum,sparse_super"

#define TIME_SIZE	24

/* 0 means the current time to libext2fs: the second after it does for both. */
int mkfs_time(u64 *seconds, struct obd_error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	*seconds = 1;
	if (!epoch || parse_u64(epoch, 0, UINT32_MAX, seconds)) {
		*seconds = max_t(u64, *seconds, 1);
		return 0;
	}
	/* Not -EINVAL: no blob is at fault. */
	return obd_fail(err, -ERANGE,
			"SOURCE_DATE_EPOCH is '%s', expected seconds from 0 to %u",
			epoch, UINT32_MAX);
}

static int check_dir(const char *dir, struct obd_error *err)
{
	struct stat st;

	if (!dir)
		return 0;
	if (stat(dir, &st))
		return obd_fail(err, -errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return obd_fail(err, -ENOTDIR, "%s: no directory", dir);
	return 0;
}

/* A file without a name goes away by itself, however the process ends. */
static int open_nameless(const char *beside)
{
	const char *slash = strrchr(beside, '/');
	int folder = slash ? slash + 1 - beside : 0;
	char *path;
	int fd;

	if (asprintf(&path, "%.*s.overlaybd.XXXXXX", folder, beside) < 0)
		return -ENOMEM;
	fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	else
		fd = -errno;
	free(path);
	return fd;
}

int mkfs_file(struct raw *raw, u64 size, const char *beside,
	      struct obd_error *err)
{
	int fd = open_nameless(beside);

	*raw = (struct raw) { .path = "a temporary file", .dev.fd = -1 };
	if (fd < 0)
		return obd_fail(err, fd,
				"%s: cannot create a temporary file beside it: %s",
				beside, strerror(-fd));
	raw->dev.fd = fd;
	raw->dev.size = size;
	if (ftruncate(fd, size))
		return obd_fail(err, -errno,
				"cannot make a temporary file of %llu bytes: %s",
				(unsigned long long)size, strerror(errno));
	return 0;
}

/* Those who are not root do not have it in their PATH. */
static void look_in_sbin(void)
{
	const char *path = getenv("PATH");
	char *longer;

	if (asprintf(&longer, "%s%s/usr/sbin:/sbin", path ?: "",
		     path && *path ? ":" : "") < 0)
		return;
	setenv("PATH", longer, 1);
	free(longer);
}

static void exec_mke2fs(const char *dir, const char *file, const char *time)
{
	/* Nobody wants the result of one whose parent is gone. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setenv("E2FSPROGS_FAKE_TIME", time, 1);
	look_in_sbin();
	/* What it says is for people: not where results go. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	/* An option that is repeated changes nothing. */
	execlp("mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096",
	       "-I", "256", "-i", "16384", "-m", "0", "-O", FS_FEATURES,
	       "-U", FS_UUID,
	       "-E", "hash_seed=" FS_HASH_SEED ",lazy_itable_init=0,root_owner=0:0",
	       dir ? "-d" : "-q", dir ? dir : "-q", file, (char *)NULL);
	_exit(127);
}

static int run_mke2fs(const char *dir, const char *file, u64 seconds,
		      struct obd_error *err)
{
	char time[TIME_SIZE];
	int status;
	pid_t pid;

	snprintf(time, sizeof(time), "%llu", (unsigned long long)seconds);
	pid = fork();
	if (pid < 0)
		return obd_fail(err, -errno, "cannot run mke2fs: %s",
				strerror(errno));
	if (!pid)
		exec_mke2fs(dir, file, time);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return obd_fail(err, -errno, "lost mke2fs: %s",
					strerror(errno));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return obd_fail(err, -ENOENT,
				"cannot find mke2fs: install e2fsprogs");
	return obd_fail(err, -EIO,
			"mke2fs could not make a file system%s%s: is --size large enough%s, and is there room for it beside the output?",
			dir ? " of " : "", dir ?: "",
			dir ? ", can all of it be read" : "");
}

/*
 * Reading a file changes when it was read, and copying it the rest. Of the time
 * that it was given, mke2fs may store the low 32 bits only.
 */
static void reset_times(struct ext2_inode_large *inode, u64 seconds)
{
	u32 extra = inode_time_extra(seconds, 0);

	inode->i_atime = seconds;
	inode->i_atime_extra = extra;
	inode->i_ctime = seconds;
	inode->i_ctime_extra = extra;
	inode->i_crtime = seconds;
	inode->i_crtime_extra = extra;
	if (inode->i_mtime == (u32)seconds && !inode->i_mtime_extra)
		inode->i_mtime_extra = extra;
}

static errcode_t reset_inodes(ext2_filsys fs, u64 seconds)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	ext2_inode_scan scan;
	ext2_ino_t ino;
	errcode_t r;

	r = ext2fs_open_inode_scan(fs, 0, &scan);
	if (r)
		return r;
	while (!(r = ext2fs_get_next_inode_full(scan, &ino, small,
						sizeof(inode))) && ino) {
		if (!inode.i_mode)
			continue;
		reset_times(&inode, seconds);
		r = ext2fs_write_inode_full(fs, ino, small, sizeof(inode));
		if (r)
			break;
	}
	ext2fs_close_inode_scan(scan);
	return r;
}

static int reset_file_system(const char *file, u64 seconds,
			     struct obd_error *err)
{
	ext2_filsys fs;
	errcode_t r, closed;

	r = ext2fs_open(file, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0,
			unix_io_manager, &fs);
	if (!r) {
		fs->now = seconds;
		r = reset_inodes(fs, seconds);
		closed = ext2fs_close_free(&fs);
		r = r ? r : closed;
	}
	return r ? obd_fail(err, -EIO,
			    "cannot set the times in the new file system: libext2fs error %ld",
			    (long)r) : 0;
}

int mkfs_from_dir(struct raw *raw, const char *dir, u64 size,
		  const char *beside, struct obd_error *err)
{
	char file[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	u64 seconds;
	int r;

	r = mkfs_file(raw, size, beside, err) ?: mkfs_time(&seconds, err) ?:
	    check_dir(dir, err);
	if (r)
		return r;
	raw->path = dir ? dir : "the new file system";
	snprintf(file, sizeof(file), "/proc/self/fd/%d", raw->dev.fd);
	return run_mke2fs(dir, file, seconds, err) ?:
	       reset_file_system(file, seconds, err);
}

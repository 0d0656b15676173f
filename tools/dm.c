// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped devices.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/kernel-log.h"

#define REASON_SIZE		1024
#define REMOVE_TRIES		20
#define REMOVE_PAUSE_NS		50000000L
#define LOOPS_LOCK_OFFSET	(1LL << 62)	/* no lock_offset() */
#define LOOPS_LOCK_TRIES	12000
#define LOOPS_LOCK_PAUSE_NS	5000000L

/*
 * What libdevmapper said first about a task that failed; what follows is less
 * and less to the point.
 */
static char dm_said[512];

__attribute__((format(printf, 5, 6)))
static void hear(int level, const char *file, int line, int dm_errno,
		 const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	(void)dm_errno;
	if (LOG_PRI(level) > LOG_ERR || *dm_said)
		return;
	va_start(ap, fmt);
	vsnprintf(dm_said, sizeof(dm_said), fmt, ap);
	va_end(ap);
}

int device_prepare(void)
{
	char version[64];

	dm_log_with_errno_init(hear);
	dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);
	atexit(dm_lib_exit);
	if (dm_driver_version(version, sizeof(version)))
		return EXIT_OK;
	complain("cannot use device-mapper: %s: be root, and modprobe dm-mod",
		 dm_said);
	return EXIT_FAILED;
}

/* The characters that udev puts into /dev without changing them. */
const char *device_check_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#+-.:=@_";

	if (!*name)
		return "it is empty";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "it is a folder's";
	if (strlen(name) > DEVICE_NAME_MAX)
		return "it has more than 100 characters";
	if (name[strspn(name, allowed)])
		return "expected letters, digits and #+-.:=@_ only";
	return NULL;
}

/* Which byte of the control device stands for @name? Collisions only wait. */
static off_t lock_offset(const char *name)
{
	uint64_t hash = 14695981039346656037ULL;	/* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211ULL;
	return hash >> 2;
}

static int open_control(void)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dm_dir(), DM_CONTROL_NODE);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		complain("cannot open %s: %s", path, strerror(errno));
	return fd;
}

/*
 * A range lock on the control device leaves no file behind, and the kernel
 * drops it with the process.
 */
int device_lock(const char *name, int *fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = lock_offset(name),
		.l_len = 1,
	};

	*fd = open_control();
	if (*fd < 0)
		return EXIT_FAILED;
	while (fcntl(*fd, F_OFD_SETLKW, &lock)) {
		if (errno == EINTR)
			continue;
		complain("cannot lock the name %s: %s", name, strerror(errno));
		close(*fd);
		*fd = -1;
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

int device_lock_loops(void)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOOPS_LOCK_OFFSET,
		.l_len = 1,
	};
	const struct timespec pause = { .tv_nsec = LOOPS_LOCK_PAUSE_NS };
	int fd = open_control();
	int i;

	for (i = 0; fd >= 0 && i < LOOPS_LOCK_TRIES; i++) {
		if (!fcntl(fd, F_OFD_SETLK, &lock))
			return fd;
		if (errno != EAGAIN && errno != EACCES)
			break;
		nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Run a task that concerns one device. */
static int run_task(struct dm_task *task, const char *name)
{
	*dm_said = '\0';
	if (!task || !dm_task_set_name(task, name))
		return -ENOMEM;
	if (dm_task_run(task))
		return 0;
	return -(dm_task_get_errno(task) ?: EIO);
}

static int failed(const char *what, const char *name, int r)
{
	complain("cannot %s %s: %s%s%s", what, name, strerror(-r),
		 *dm_said ? ": " : "", dm_said);
	return EXIT_FAILED;
}

static void describe(struct device *device, struct dm_task *task,
		     const struct dm_info *info)
{
	const char *uuid = dm_task_get_uuid(task);
	const char *name = dm_task_get_name(task);

	*device = (struct device) {
		.dev = makedev(info->major, info->minor),
		.live = info->live_table,
		.read_only = info->read_only,
		.suspended = info->suspended,
		.open_count = info->open_count,
	};
	snprintf(device->name, sizeof(device->name), "%s", name ?: "");
	snprintf(device->uuid, sizeof(device->uuid), "%s", uuid ?: "");
}

int device_find(struct device *device, const char *name)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_INFO);
	struct dm_info info;
	int r;

	r = run_task(task, name);
	if (!r && !dm_task_get_info(task, &info))
		r = -EIO;
	if (!r && !info.exists)
		r = -ENXIO;
	if (!r)
		describe(device, task, &info);
	if (task)
		dm_task_destroy(task);
	if (r == -ENXIO)
		return EXIT_NO_DEVICE;
	return r ? failed("ask for", name, r) : EXIT_OK;
}

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool device_is_tail(const struct device *device)
{
	return begins(device->uuid, DEVICE_TAIL_UUID_PREFIX);
}

bool device_is_ours(const struct device *device)
{
	return begins(device->uuid, DEVICE_UUID_PREFIX) &&
	       !device_is_tail(device);
}

static bool kernel_has(const char *target)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_LIST_VERSIONS);
	struct dm_versions *v;
	bool found = false;

	if (!task || !dm_task_run(task)) {
		found = true;	/* nothing is known, so nothing is claimed */
		goto out;
	}
	for (v = dm_task_get_versions(task); v && !found;) {
		found = !strcmp(v->name, target);
		v = v->next ? (void *)v + v->next : NULL;
	}
out:
	if (task)
		dm_task_destroy(task);
	return found;
}

/*
 * Without udev libdevmapper makes the node in /dev/mapper itself, and there is
 * nothing to wait for: it finds out.
 */
static int run_with_udev(struct dm_task *task, const char *name,
			 struct timespec *done)
{
	uint32_t cookie = 0;
	int r;

	if (!dm_task_set_cookie(task, &cookie, 0))
		return -EIO;
	r = run_task(task, name);
	clock_gettime(CLOCK_MONOTONIC, done);
	dm_udev_wait(cookie);
	return r;
}

static int create_empty(const char *name, const char *uuid)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_CREATE);
	bool ready = task && dm_task_set_uuid(task, uuid) &&
		     dm_task_set_add_node(task, DM_ADD_NODE_ON_RESUME);
	int r = ready ? run_task(task, name) : -ENOMEM;

	if (task)
		dm_task_destroy(task);
	if (r == -EBUSY) {
		complain("cannot create %s: the name is in use", name);
		return EXIT_BUSY;
	}
	return r ? failed("create", name, r) : EXIT_OK;
}

static int load(const struct device *device, const struct device_line *lines,
		unsigned int nr, bool read_only)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_RELOAD);
	bool ready = task && (!read_only || dm_task_set_ro(task));
	unsigned int i;
	int r;

	for (i = 0; ready && i < nr; i++)
		ready = dm_task_add_target(task, lines[i].start,
					   lines[i].length, lines[i].target,
					   lines[i].params);
	r = ready ? run_task(task, device->name) : -ENOMEM;
	if (task)
		dm_task_destroy(task);
	return r;
}

static int load_failed(const struct device *device, const char *target, int r,
		       int log)
{
	const char *what = device->live ? "change" : "create";
	char reason[REASON_SIZE];

	kernel_log_reason(log, device->dev, reason, sizeof(reason));
	if (*reason)
		complain("cannot %s %s: %s", what, device->name, reason);
	else if (!kernel_has(target))
		complain("cannot %s %s: the kernel has no target %s: modprobe dm-%s",
			 what, device->name, target, target);
	else
		complain("cannot %s %s: %s: the kernel log (dmesg) says why",
			 what, device->name, strerror(-r));
	return EXIT_FAILED;
}

int device_load(const struct device *device, const struct device_line *lines,
		unsigned int nr, bool read_only)
{
	int log = kernel_log_open();
	int r = load(device, lines, nr, read_only);

	if (r)
		r = load_failed(device, lines->target, r, log);
	if (log >= 0)
		close(log);
	return r;
}

int device_clear(const char *name)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_CLEAR);
	int r = task ? run_task(task, name) : -ENOMEM;

	if (task)
		dm_task_destroy(task);
	return r ? failed("forget the new table of", name, r) : EXIT_OK;
}

static int suspend(const char *name, bool at_once)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_SUSPEND);
	bool ready = task && (!at_once || (dm_task_no_flush(task) &&
					   dm_task_skip_lockfs(task)));
	int r = ready ? run_task(task, name) : -ENOMEM;

	if (task)
		dm_task_destroy(task);
	return r ? failed("suspend", name, r) : EXIT_OK;
}

int device_suspend(const char *name)
{
	return suspend(name, true);
}

int device_freeze(const char *name)
{
	return suspend(name, false);
}

int device_resume(const char *name)
{
	struct timespec ignored;

	return device_resume_time(name, &ignored);
}

int device_resume_time(const char *name, struct timespec *passed)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_RESUME);
	bool ready = task && dm_task_set_add_node(task, DM_ADD_NODE_ON_RESUME);
	int r = ready ? run_with_udev(task, name, passed) : -ENOMEM;

	if (task)
		dm_task_destroy(task);
	return r ? failed("resume", name, r) : EXIT_OK;
}

int device_create(const char *name, const char *uuid,
		  const struct device_line *lines, unsigned int nr,
		  bool read_only, struct device *device)
{
	int r;

	r = create_empty(name, uuid);
	if (r)
		return r;
	r = device_find(device, name) ?:
	    device_load(device, lines, nr, read_only) ?: device_resume(name);
	if (r)
		device_remove(name);
	return r;
}

int device_remove_once(const char *name)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_REMOVE);
	struct timespec ignored;
	int r;

	r = task ? run_with_udev(task, name, &ignored) : -ENOMEM;
	if (task)
		dm_task_destroy(task);
	if (r == -EBUSY)
		return EXIT_BUSY;
	return r && r != -ENXIO ? failed("remove", name, r) : EXIT_OK;
}

int device_remove(const char *name)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };
	int r = device_remove_once(name);
	unsigned int i;

	for (i = 0; r == EXIT_BUSY && i < REMOVE_TRIES; i++) {
		nanosleep(&pause, NULL);
		r = device_remove_once(name);
	}
	return r;
}

static int visit_names(struct dm_task *task, device_visitor visit, void *data)
{
	struct dm_names *names = dm_task_get_names(task);
	struct device device;
	int r = EXIT_OK;

	if (!names || !names->dev)
		return EXIT_OK;
	for (;;) {
		r = device_find(&device, names->name);
		/* Others come and go while we look. */
		if (r == EXIT_NO_DEVICE)
			r = EXIT_OK;
		else if (r == EXIT_OK)
			r = visit(&device, data);
		if (r || !names->next)
			return r;
		names = (void *)names + names->next;
	}
}

int device_for_each(device_visitor visit, void *data)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_LIST);
	int r;

	if (!task || !dm_task_run(task)) {
		complain("cannot list the mapped devices: %s", dm_said);
		r = EXIT_FAILED;
	} else {
		r = visit_names(task, visit, data);
	}
	if (task)
		dm_task_destroy(task);
	return r;
}

static int open_node(const struct device *device)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dm_dir(), device->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_rdev == device->dev)
		return fd;
	close(fd);
	return -ENXIO;
}

/* In a container /dev may lack what has been made outside of it. */
int device_open(const struct device *device)
{
	int fd = open_node(device);

	if (fd < 0) {
		dm_mknodes(device->name);
		dm_task_update_nodes();
		fd = open_node(device);
	}
	return fd < 0 ? (failed("open", device->name, fd), -1) : fd;
}

int device_missing(const char *name)
{
	complain("there is no device %s", name);
	return EXIT_NO_DEVICE;
}

static int first_line(struct dm_task *task, const char *name,
		      const char *target, char **params, uint64_t *length)
{
	uint64_t start;
	char *type = NULL, *text = NULL;

	dm_get_next_target(task, NULL, &start, length, &type, &text);
	if (!type || strcmp(type, target)) {
		complain("%s: its target is %s, expected %s", name,
			 type ?: "missing", target);
		return EXIT_FAILED;
	}
	*params = strdup(text ?: "");
	return *params ? EXIT_OK : failed("read the table of", name, -ENOMEM);
}

int device_params(const char *name, int type, const char *target,
		  char **params, uint64_t *length)
{
	struct dm_task *task = dm_task_create(type);
	struct dm_info info;
	int r;

	r = run_task(task, name);
	/* Of a status the library says so here only. */
	if (!r && dm_task_get_info(task, &info) && !info.exists)
		r = -ENXIO;
	if (r == -ENXIO)
		r = EXIT_NO_DEVICE;
	else if (r)
		r = failed("read the table of", name, r);
	else
		r = first_line(task, name, target, params, length);
	if (task)
		dm_task_destroy(task);
	return r;
}

int device_message(const char *name, const char *text, char **answer)
{
	struct dm_task *task = dm_task_create(DM_DEVICE_TARGET_MSG);
	bool ready = task && dm_task_set_sector(task, 0) &&
		     dm_task_set_message(task, text);
	int r = ready ? run_task(task, name) : -ENOMEM;
	const char *said = r ? NULL : dm_task_get_message_response(task);

	if (!r && answer) {
		*answer = strdup(said ?: "");
		r = *answer ? 0 : -ENOMEM;
	}
	if (task)
		dm_task_destroy(task);
	return r;
}

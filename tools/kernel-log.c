// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/kernel-log.h"

#define RECORD_SIZE	8192	/* the kernel makes none that is longer */

int kernel_log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* "6,1234,567,-;device-mapper: table: 253:0: overlaybd: the reason\n..." */
static void match(char *record, const char *prefix, char *reason, size_t size)
{
	char *text = strchr(record, ';');

	if (!text)
		return;
	text++;
	text[strcspn(text, "\n")] = '\0';
	if (!strncmp(text, prefix, strlen(prefix)))
		snprintf(reason, size, "%s", text + strlen(prefix));
}

void kernel_log_reason(int fd, dev_t dev, char *reason, size_t size)
{
	char record[RECORD_SIZE + 1];
	char prefix[64];
	ssize_t len;

	*reason = '\0';
	snprintf(prefix, sizeof(prefix), "device-mapper: table: %u:%u: ",
		 major(dev), minor(dev));
	while (fd >= 0) {
		len = read(fd, record, RECORD_SIZE);
		/* Records that were overwritten before we came. */
		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (len <= 0)
			break;
		record[len] = '\0';
		match(record, prefix, reason, size);
	}
}

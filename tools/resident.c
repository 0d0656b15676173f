// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neither code nor messages nor memory may need a device that is suspended.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "tools/commands.h"
#include "tools/resident.h"

#define MESSAGES_SIZE	65536

/*
 * Where memory is short, what the kernel allocates for a program has it write
 * out memory of others, which may be to a file system or swap on the device.
 * Not so for those that I/O depends on. Where that is unknown, or not allowed,
 * as in a container, it has to do without.
 */
static void be_io_flusher(bool yes)
{
	prctl(PR_SET_IO_FLUSHER, yes, 0, 0, 0);
}

void resident_begin(void)
{
	static char messages[MESSAGES_SIZE];

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		complain("warning: cannot keep this program in memory: %s",
			 strerror(errno));
	setvbuf(stderr, messages, _IOFBF, sizeof(messages));
	be_io_flusher(true);
}

void resident_end(void)
{
	be_io_flusher(false);
	fflush(stderr);
	setvbuf(stderr, NULL, _IONBF, 0);
	munlockall();
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: status of all devices does without one that is closed meanwhile
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_commands gcc
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer
write_config config layer
open_image config stays

# Before the N-th time that the tool asks device mapper, the device goes.
cat >goes.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

struct dm_task;

int dm_task_run(struct dm_task *task)
{
	static int calls;
	int (*run)(struct dm_task *) = dlsym(RTLD_NEXT, "dm_task_run");

	if (++calls == atoi(getenv("GOES_BEFORE")))
		system("LD_PRELOAD= dmsetup remove goes");
	return run(task);
}
END
gcc -shared -fPIC -o goes.so goes.c

# status_without N ARGUMENT...: what it says is in the file said.
status_without()
{
	local n=$1

	shift
	open_image config goes
	STATUS=0
	LD_PRELOAD=$PWD/goes.so GOES_BEFORE=$n "$TOOL" status "$@" >said \
		2>complaints || STATUS=$?
}

for n in {1..12}; do
	status_without "$n" --json
	expect_equal "$n: status ($(cat complaints))" $STATUS 0
	jq -e 'map(.name) | index("stays")' said >/dev/null ||
		fail "$n: $(cat said)"
	if [ -e /dev/mapper/goes ]; then
		break
	fi
done
[ "$n" -gt 5 ] && [ -e /dev/mapper/goes ] || fail "only $n times asked"

# Whoever has named it is told.
"$TOOL" close goes
for n in {2..4}; do
	status_without "$n" goes
	expect_equal "$n, named: status" $STATUS $EXIT_NO_DEVICE
	grep -q 'there is no device goes' complaints ||
		fail "$n, named: $(cat complaints)"
done

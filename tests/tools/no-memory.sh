#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where there is no memory, that is said, and no file is called wrong for it.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 gcc gzip
cd "$work" || exit 1

# limited KIB COMMAND...: with so much address space
limited()
{
	(ulimit -v "$1" && "${@:2}")
}

# Small objects take the most memory for their size in JSON.
python3 -c 'print("{\"lowers\": [{}], \"x\": [" + ",".join(["{}"] * 300000) + "]}")' \
	>config.json
for kib in 100000 150000; do
	expect 1 limited $kib "$tool" table config.json
	says 'config.json: no memory'
done
expect 3 limited 500000 "$tool" table config.json
says 'lowers[0] has none of the fields'

# zlib without memory for its window
cat >no-window.c <<'END'
int inflate(void *stream, int flush)
{
	return -4;	/* Z_MEM_ERROR */
}
END
gcc -shared -fPIC -o no-window.so no-window.c || fail gcc
echo data | gzip >file.gz
expect 1 env LD_PRELOAD="$work/no-window.so" "$tool" gzindex file.gz
says 'file.gz: no memory to inflate'

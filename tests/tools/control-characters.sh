#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Names with control characters are shown without them, in results and progress.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gcc gzip

name=$'a\nb: valid\r\e[2K\x7fc'
shown='a?b: valid??[2K?c'
cd "$work" || exit 1
mkdir dir && cd dir || exit 1

# shows FILE COMMAND...: standard output has the name in FILE's place, and no more
# control characters than ends of lines
shows()
{
	local wanted=${1//"$name"/$shown}

	"$tool" "${@:2}" >"$work/out" 2>"$work/err"
	grep -qF "$wanted" "$work/out" || fail "${2}: expected $wanted in: $(cat "$work/out")"
	! LC_ALL=C tr -d '\n' <"$work/out" | LC_ALL=C grep -q '[[:cntrl:]]' ||
		fail "$2: control characters in: $(cat -v "$work/out")"
	! grep -q '^b: valid' "$work/out" || fail "$2: a line of the name's"
}

python3 "$here/make-image.py" noise 3 3145728 raw
shows "$name: " create --raw raw --compress lz4 --block-size 4K "$name"
shows "$name: valid" verify "$name"
jq -n --arg name "$name" '{ lowers: [{ file: $name }] }' >c.json
shows "$name: valid" verify c.json
jq -n --arg name "$name-none" '{ lowers: [{ file: $name }] }' >none.json
shows "$name-none: COULD NOT BE CHECKED" verify none.json
gzip -c raw >"$name.gz"
shows "$name.gz.gzindex: " gzindex "$name.gz"
expect 0 "$tool" create-upper --size 1M "$name-data" "$name-index"
shows "$name-data: 4096 bytes" repair "$name-data" "$name-index"
shows "$name-index: 4096 bytes" repair "$name-data" "$name-index"
cp "$name-data" data2 && cp "$name-index" index2
shows "$name-data: is a sealed layer" seal "$name-data" "$name-index"
cp data2 "$name-data" && cp index2 "$name-index"
shows "$name-index: is not needed" seal "$name-data" "$name-index"

# A line of a table cannot have it, and two would be two lines to dmsetup.
expect 1 "$tool" table c.json
says 'a path has a newline in it'
[ ! -s "$work/out" ] || fail "a table: $(cat "$work/out")"
expect 0 "$tool" table --json c.json
jq -e --arg name "$name" '.layers[0].file == $name' "$work/out" >/dev/null ||
	fail "JSON has another name: $(cat "$work/out")"

# A file that takes so long to read that there is a progress line.
cat >slow.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	ssize_t (*next)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");

	usleep(100000);
	return next(fd, buf, len, at);
}
END
gcc -shared -fPIC -o slow.so slow.c || fail gcc
on_terminal env LD_PRELOAD="$PWD/slow.so" "$tool" verify --threads 1 "$name" \
	>"$work/out" || fail "verify: $(cat "$work/err")"
grep -qF "$shown: " "$work/err" || fail "no progress: $(cat -v "$work/err")"
! grep -q $'\x7f' "$work/err" || fail "progress has it: $(cat -v "$work/err")"

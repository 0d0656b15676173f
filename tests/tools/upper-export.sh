#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# export, dump and verify read writable layers that others wrote, crashed or
# not, and say what is wrong with broken ones.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq

python3 "$here/make-image.py" new 21 3000320 "$work/base"
expect 0 "$tool" create --raw "$work/base" --compress lz4 "$work/lower"
for kind in append crashed; do
	for seed in 1 2 3; do
		python3 "$here/make-upper.py" $kind $seed "$work/base" \
			"$work/data" "$work/index" "$work/raw" || fail "no layer"
		config_with_upper "$work/data" "$work/index" "$work/lower" \
			>"$work/c.json"
		reads_as "$work/raw" "$work/c.json"
		expect 0 "$tool" verify --index "$work/index" "$work/data"
		says "valid, writable"
		expect 0 "$tool" dump --entries --json \
			--index "$work/index" "$work/data"
		jq -e '.data_header.flags == 3 and .index_header.flags == 1 and
		       .log.log_end == 4096 + 16 * .log.log_entries and
		       .log.live_bytes == .index.mapped_bytes and
		       .index.entries == (.entries | length) and
		       .log.live_data_end <= .log.log_data_end and
		       .log.log_data_end <= .log.data_size' "$work/out" \
			>/dev/null || fail "wrong JSON"
	done
done

# The end of the log is where the first slot is empty.
python3 "$here/make-upper.py" append 1 "$work/base" "$work/data" \
	"$work/index" "$work/raw"
size=$(stat -c %s "$work/index")
truncate -s +1M "$work/index"
expect 0 "$tool" dump --json --index "$work/index" "$work/data"
[ "$(jq .log.log_end "$work/out")" = "$size" ] || fail "wrong end"

# Hints, refusals.
expect 3 "$tool" dump "$work/data"
says "--index"
expect 3 "$tool" verify "$work/data"
says "--index"
expect 2 "$tool" verify --index "$work/index" "$work/data" "$work/data"
expect 1 "$tool" verify --index "$work/none" "$work/data"
expect 3 "$tool" verify --index "$work/data" "$work/index"
says "data"
printf '\0\0\0\0\0\0\xff\xff\x7f' |
	dd of="$work/index" bs=1 seek=4096 conv=notrunc status=none
expect 3 "$tool" verify --index "$work/index" "$work/data"
says "INVALID"
says "log entry 0"
expect 3 "$tool" verify --json --index "$work/index" "$work/data"
jq -e '.[0] | .valid == false and .nr_errors == 1' "$work/out" >/dev/null ||
	fail "wrong JSON"
expect 3 "$tool" dump --index "$work/index" "$work/data"
says "index header:"
says "log entry 0"
expect 3 "$tool" export "$work/c.json" "$work/disk2"
says "log entry 0"
python3 "$here/make-upper.py" sparse 1 "$work/base" "$work/data" \
	"$work/index" "$work/raw"
expect 1 "$tool" export "$work/c.json" "$work/disk2"
says "is sparse"
[ ! -e "$work/disk2" ] || fail "a file came out"
nothing_left "$work"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# export of every fixture equals what the reference reads.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need jq
need_fixtures

for image in "${readonly_images[@]}" "${turbo_images[@]}" \
	"${writable_images[@]}"; do
	expect 0 "$tool" export "$(config "$image")" "$work/disk"
	[ "$(sum "$work/disk")" = \
	  "$(jq -r .sha256 "$fixtures/$image/expect.json")" ] ||
		fail "$image: wrong content"
	[ "$(stat -c %s "$work/disk")" = \
	  "$(jq .virtual_size "$fixtures/$image/expect.json")" ] ||
		fail "$image: wrong size"
	nothing_left "$work"
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify finds nothing wrong with any blob that the reference wrote.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need_fixtures

blobs=()
for image in "${readonly_images[@]}" base64; do
	for blob in "$fixtures/$image"/*; do
		case $blob in
		*.json|*.txt)	;;
		*)		blobs+=("$blob");;
		esac
	done
done
expect 0 "$tool" verify "${blobs[@]}"
[ "$(grep -c ': valid' "$work/out")" = ${#blobs[@]} ] || fail "not all valid"
expect 0 "$tool" verify --json --threads 1 "${blobs[@]}"
need jq
[ "$(jq '[.[] | select(.valid)] | length' "$work/out")" = ${#blobs[@]} ] ||
	fail "not all valid in JSON"

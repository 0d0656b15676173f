# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: uppers of the reference implementation are read, and written on
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# take CASE: its upper, to be written; CONFIG is the image.
take()
{
	CONFIG=$(fixture_config "$1")
	cp --no-preserve=mode "$FIXTURES/$1/upper.data" "$1.data"
	cp --no-preserve=mode "$FIXTURES/$1/upper.index" "$1.index"
	sed -i "s|\"$FIXTURES/$1/upper|\"$PWD/$1|g" "$CONFIG"
}

need_tool
need_fixtures
for case in rw-append rw-only; do
	take $case
	sums=$(sha256sum $case.*a $case.*x)
	open_image "$CONFIG" $case --read-only
	device fixture /dev/mapper/$case "$FIXTURES/$case"
	"$TOOL" close $case
	expect_equal "files of $case, read" "$(sha256sum $case.*a $case.*x)" \
		"$sums"
	open_image "$CONFIG" $case
	device fixture /dev/mapper/$case "$FIXTURES/$case"
	"$TOOL" close $case
	expect_equal "files of $case, not written" \
		"$(sha256sum $case.*a $case.*x)" "$sums"

	# Written through the device, and the flattened disk alike.
	"$TOOL" export "$CONFIG" disk
	open_image "$CONFIG" $case
	for n in 1 2 3 4 5 6; do
		offset=$((n * n * 1000448 + 512 * n))
		device fill seed=$n /dev/mapper/$case $offset $((n * 20480))
		device fill seed=$n disk $offset $((n * 20480))
	done
	cmp /dev/mapper/$case disk
	"$TOOL" close $case
	"$TOOL" export "$CONFIG" again
	cmp again disk
	open_image "$CONFIG" $case
	cmp /dev/mapper/$case disk
	"$TOOL" close $case
	rm disk again
done

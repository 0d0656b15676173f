#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A result file is written at once, and is none that the image needs.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

make_image_files
echo target >target
echo gzindex >gzindex
echo trace >trace
ln low hard
ln -s data symlink

# A digest that nobody has makes open fail before it needs a device mapper.
image()
{
	cat <<-END >image.json
	{ "resultFile": "$1",
	  "upper": { "data": "data", "index": "index" },
	  "lowers": [ { "file": "low" }, { "dir": "dir" },
		{ "file": "low", "targetFile": "target",
		  "gzipIndex": "gzindex" },
		{ "digest": "sha256:0" } ] }
	END
}

sums()
{
	find . -type f ! -name image.json -exec sha256sum {} + | sort
}

# refused FILE TEXT [OPTION...]: before anything else is found to be wrong
refused()
{
	local before file=$1 text=$2

	shift 2
	image "$file"
	before=$(sums; sum image.json)
	expect 1 timeout 10 "$tool" open "$@" image.json name
	says "$text"
	if grep -q 'is remote' "$work/err"; then
		fail "$file: it was tried to open the image"
	fi
	[ "$(sums; sum image.json)" = "$before" ] ||
		fail "the files are not what they were: $file"
}

for file in image.json low dir/overlaybd.commit data index target gzindex \
	    hard symlink; do
	refused $file "$file: is the input "
done
refused trace 'trace: is the input' --trace trace
mkfifo fifo
refused fifo 'resultFile: fifo: exists and is no regular file'
refused dir 'resultFile: dir: exists and is no regular file'
rm -r fifo

# told FILE: the reason is in it
told()
{
	expect 1 "$tool" open image.json name
	grep -q '^layer 4 is remote' "$1" || fail "$1 holds: $(cat "$1")"
	nothing_left .
}

before=$(sums)
image result
told result
chmod 600 result
exec 3<result
echo 'is longer than what is going to be there' >>result
told result
[ "$(stat -c %a result)" = 600 ] || fail "mode is $(stat -c %a result)"
grep -q 'is longer' <&3 || fail 'the old file was written to'
exec 3<&-
rm result
ln -s ../result link
image link
told ../result
[ -L link ] || fail 'link is no link any more'
rm link

# It is a warning when the device, or the reason, does not depend on it.
image nowhere/result
expect 1 "$tool" open image.json name
says 'layer 4 is remote'
says 'warning: resultFile: nowhere/result: '

# Which files an invalid configuration means is not known.
echo '{ "resultFile": "low", "lowers": [ 1, { "file": "low" } ] }' >image.json
expect 3 "$tool" open image.json name
says 'warning: resultFile: low: is there'
[ "$(sums)" = "$before" ] || fail 'the files are not what they were'
echo '{ "resultFile": "result", "lowers": [ 1 ] }' >image.json
expect 3 "$tool" open image.json name
grep -q 'lowers\[0\] is int' result || fail "result holds: $(cat result)"

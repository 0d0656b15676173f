#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No command writes over a file that it reads, nor over one of the same image.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

make_image_files
for file in target gzindex result; do
	echo $file >$file
done
tar -cf tar raw
gzip -c tar >tar.gz
echo '{ "resultFile": "result", "upper": { "data": "data", "index": "index" },
	"lowers": [ { "file": "low" }, { "dir": "dir" } ] }' >image.json
echo '{ "lowers": [ { "dir": "dir" },
	{ "file": "low", "targetFile": "target", "gzipIndex": "gzindex" } ] }' \
	>turbo.json
sums=$(find . -type f -exec sha256sum {} + | sort)

# refused FILE COMMAND...: the command does not write over that file
refused()
{
	local file=$1

	shift
	expect 1 "$tool" "$@"
	says "$file: is the input "
	[ "$(find . -type f -exec sha256sum {} + | sort)" = "$sums" ] ||
		fail "the files are not what they were: $*"
}

for file in image.json result low dir/overlaybd.commit data index; do
	refused $file export image.json $file
	refused $file commit image.json $file
	refused $file merge image.json $file
	refused $file merge --to 0 image.json $file
done
for file in turbo.json low dir/overlaybd.commit target gzindex; do
	refused $file export turbo.json $file
	refused $file merge --to 0 turbo.json $file
	refused $file turbo --base turbo.json --out $file tar
done
refused data commit data index data
refused index commit data index index
refused raw create --raw raw raw
refused low create --raw raw --base low low
refused tar turbo --out tar tar
refused tar.gz gzindex --out tar.gz tar.gz
ln -s low link
refused link export image.json link
ln low hard
sums=$(find . -type f -exec sha256sum {} + | sort)
refused hard export image.json hard

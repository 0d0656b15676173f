#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A file that is made replaces what a symbolic link leads to, not the link.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3

cd "$work" || exit 1
python3 "$here/make-image.py" new 71 1000448 raw
expect 0 "$tool" create --raw raw layer
config_of layer >image.json
mkdir -p here there/deep

# made LINK FILE: it is a layer, and the link still is one
made()
{
	[ -L "$1" ] || fail "$1 is no link any more"
	[ ! -L "$2" ] || fail "$2 is a link"
	cmp layer "$2" || fail "$1 was not followed to $2"
	nothing_left .
}

ln -s ../there/file here/link
expect 0 "$tool" create --raw raw here/link
made here/link there/file
echo old >there/file
expect 0 "$tool" create --raw raw here/link
made here/link there/file

ln -s here/link first
ln -s "$work/first" there/deep/second
rm there/file
(cd there/deep && "$tool" create --raw "$work/raw" second) >/dev/null ||
	fail "no way through three links"
made there/deep/second there/file
expect 0 "$tool" export image.json first
cmp raw there/file || fail "export does not follow a link"

# The links in /proc look like others, but do not lead to a name.
ln -s /proc/self/fd/1 stdout
"$tool" create --raw raw stdout >there/file || fail "standard output is a file"
made stdout there/file
"$tool" create --raw raw stdout 2>err | cat >out
says 'stdout: exists and is no regular file'
exec 3>nameless
rm nameless
"$tool" create --raw raw stdout >&3 2>err &&
	fail "a file without a name was replaced"
says 'stdout: exists and is no regular file'
[ -L stdout ] || fail "stdout is no link any more"

# refused FILE TEXT
refused()
{
	expect 1 "$tool" create --raw raw "$1"
	says "$1: $2"
	[ -L "$1" ] || fail "$1 is no link any more"
	nothing_left .
}

for target in /dev/null there; do
	ln -s $target "to-${target##*/}"
	refused "to-${target##*/}" 'exists and is no regular file'
done
mkfifo fifo
ln -s fifo to-fifo
refused to-fifo 'exists and is no regular file'
ln -s circle circle
refused circle 'Too many levels of symbolic links'
ln -s nowhere/file to-nowhere
refused to-nowhere 'cannot create a temporary file beside it'
ln -s raw to-raw
refused to-raw 'is the input raw'

# So it is with the two files of an upper.
mkdir upper
ln -s "$work/upper/data" link.data
ln -s upper/index link.index
pair_made()
{
	for link in link.data link.index; do
		[ -L $link ] || fail "$link is no link any more"
		[ -f "upper/${link#link.}" ] || fail "$link was not followed"
	done
	expect 0 "$tool" repair upper/data upper/index
	nothing_left .
	[ -z "$(find . -name '.*.old')" ] || fail 'an old file is left'
}
expect 0 "$tool" create-upper --size 1M link.data link.index
pair_made
before=$(sum upper/data)
expect 1 "$tool" create-upper --size 1M link.data link.index
says 'link.data: is there already'
expect 0 "$tool" create-upper --force --size 1M link.data link.index
pair_made
[ "$(sum upper/data)" != "$before" ] || fail 'the data was not replaced'
before=$(sum upper/data)
expect 1 "$tool" create-upper --force --size 1M link.data to-nowhere
says 'to-nowhere: cannot create it: No such file'
[ "$(sum upper/data)" = "$before" ] || fail 'the data was replaced'
expect 1 "$tool" create-upper --force --size 1M circle new
says 'circle: cannot create it: Too many levels'
exec 3>nameless
rm nameless
expect 1 "$tool" create-upper --force --size 1M /proc/self/fd/3 new
says '/proc/self/fd/3: '
exec 3>&-
[ ! -e new ] || fail 'new was made'
rm upper/data
expect 1 "$tool" create-upper --size 1M link.data upper/data
says 'are the same'
[ ! -e upper/data ] || fail 'the data is left'

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A file that replaces another has its mode, and its owner if that may be.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

cd "$work" || exit 1
head -c 100000 /dev/urandom >raw
expect 0 "$tool" create-upper --size 1M data index
mkdir folder

# has FILE MODE:OWNER:GROUP
has()
{
	[ "$(stat -c %a:%u:%g "$1")" = "$2" ] ||
		fail "$1: is $(stat -c %a:%u:%g "$1"), expected $2"
}

me=$(id -u):$(id -g)
(umask 027 && "$tool" create --raw raw layer) >/dev/null || fail create
has layer 640:"$me"
for mode in 600 664 444; do
	chmod $mode layer data index
	expect 0 "$tool" create --raw raw layer
	has layer $mode:"$me"
	expect 0 "$tool" create-upper --force --size 1M data index
	has data $mode:"$me"
	has index $mode:"$me"
done
ln -s layer link
expect 0 "$tool" create --raw raw link
has layer 444:"$me"

[ "$(id -u)" = 0 ] || exit 0
chown 1234:5678 layer data
chmod 4711 layer
chmod 600 data
expect 0 "$tool" create --raw raw layer
has layer 4711:1234:5678
expect 0 "$tool" create-upper --force --size 1M data index
has data 600:1234:5678
has index 444:"$me"

# Somebody else does not get to run what is his own as the owner.
command -v setpriv >/dev/null || exit 0
chmod 777 . folder
cp raw layer folder
chown 1234:5678 folder/layer
chmod 4755 folder/layer
setpriv --reuid 4321 --regid 4321 --clear-groups "$tool" create --raw \
	folder/raw folder/layer >/dev/null || skip 'nobody else may run the tool'
has folder/layer 755:4321:4321

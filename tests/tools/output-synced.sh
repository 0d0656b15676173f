#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Success means that the name of what was made is on the disk, too: a folder that
# could not be synced, for it cannot be opened, is refused before.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3
need setpriv

cd "$work" || exit 1
[ "$(id -u)" = 0 ] || skip 'only root can become somebody else'
python3 "$here/make-image.py" new 72 1000448 raw
mkdir folder
chmod 755 . raw
chown 65534 folder
echo old >folder/layer
chown 65534 folder/layer
chmod 300 folder
cp "$tool" ./tool
expect 1 setpriv --reuid 65534 --clear-groups ./tool create --raw raw \
	folder/layer
says 'cannot open its folder'
chmod 700 folder
[ "$(cat folder/layer)" = old ] || fail 'it was replaced'
nothing_left folder
expect 0 setpriv --reuid 65534 --clear-groups ./tool create --raw raw \
	folder/layer
nothing_left folder

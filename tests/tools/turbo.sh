#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# turbo makes file systems that are in order, the same ones of the same layer,
# and refuses layers that no unpacking could make sense of.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip e2fsck debugfs mke2fs zstd
oci=$PWD/tests/functional/oci.py
cd "$work" || exit 1
python3 "$oci" make .

# image NR: the configuration of so many of the layers, as plain tars
image()
{
	local i

	for ((i = 0; i < $1; i++)); do
		jq -n --arg meta "$work/meta-$i" --arg tar "$work/lay-$i.tar" \
			'{ file: $meta, targetFile: $tar }'
	done | jq -s '{ lowers: . }' >image.json
}

# header FIELD META
header()
{
	"$tool" dump --json "$2" 2>log | jq -r ".lsmt_header.$1"
}

# in_order RAW
in_order()
{
	e2fsck -fn "$1" >fsck 2>&1 || fail "$1: $(cat fsck)"
}

expect 0 "$tool" turbo --size 128M -o meta-0 lay-0.tar
says 'meta-0: '
expect 0 "$tool" turbo --size 128M --json --threads 1 --out again lay-0.tar.gz
[ "$(jq -r .virtual_size out)" = $((128 << 20)) ] || fail "$(cat out)"
cmp meta-0 again || fail 'the same tar, compressed, makes another layer'
for n in 1 2; do
	image $n
	expect 0 "$tool" turbo --base image.json --out meta-$n lay-$n.tar
	[ "$(header parent_uuid meta-$n)" = "$(header uuid meta-$((n - 1)))" ] ||
		fail 'its parent is not the layer below'
done
image 3
expect 0 "$tool" export image.json disk
in_order disk

# right BLOCK_SIZE FILE...: the files have the content that they have in lay-1.tar,
# and zeros behind that in their last block
right()
{
	local block_size=$1 name last

	shift
	for name; do
		tar -xOf lay-1.tar "$name" >wanted 2>log
		debugfs -R "dump /$name content" disk 2>log
		cmp wanted content || fail "$name: wrong content"
		last=$(debugfs -R "blocks /$name" disk 2>log | tr -s ' ' '\n' |
			grep . | tail -n 1)
		dd if=disk bs="$block_size" skip="$last" count=1 status=none |
			tail -c +$(($(stat -c %s wanted) % block_size + 1)) |
			tr -d '\0' >behind
		[ ! -s behind ] ||
			fail "$name: $(wc -c <behind) bytes behind its end"
	done
}

right 4096 dirty-1 dirty-511 dirty-4097 dirty-8191

# As it is once somebody has written to it: what was removed is no orphan.
for field in mkfs_time mtime wtime; do
	echo "set_super_value $field now"
done | debugfs -w -f - disk >log 2>&1
in_order disk

# Nothing is kept of what stays as it is.
tar -cf empty.tar -T /dev/null
expect 0 "$tool" turbo --base image.json --json --out nothing empty.tar
[ "$(jq -r .entries out)" = 0 ] || fail "of an empty layer: $(cat out)"

# A directory that the kernel would have indexed, in a file system with another
# size of blocks and of inodes, and files in place of others that had content.
mkdir -p tree/many tree/kept && touch tree/kept/low
head -c 16M /dev/zero | tr '\0' '\356' >tree/gone
for n in {1..400}; do echo "$n" >"tree/many/a-rather-long-name-of-a-file-$n"; done
mke2fs -q -t ext4 -b 1024 -I 128 -O ^has_journal -d tree base.raw 32M >log 2>&1 ||
	fail "$(cat log)"
e2fsck -fyD base.raw >fsck 2>&1
debugfs -R 'htree_dump /many' base.raw 2>log | grep -q 'Root node' ||
	fail 'the directory is not indexed'
expect 0 "$tool" create --raw base.raw base
config_of base >base.json
expect 0 "$tool" turbo --base base.json --out above lay-1.tar
jq --arg meta "$work/above" --arg tar "$work/lay-1.tar" \
	'.lowers += [{ file: $meta, targetFile: $tar, targetDigest: "sha256:cd" }]' \
	base.json >image.json
expect 0 "$tool" export image.json disk
expect 0 "$tool" verify image.json
in_order disk
right 1024 many/more-299 many/more-280 dirty-1 dirty-8191

# bad NAME ENTRY: NAME is a tar of what ENTRY says in Python
bad()
{
	python3 - "$1" <<-PYTHON
		import io, sys, tarfile
		with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as tar:
		    def add(name, kind=tarfile.REGTYPE, data=b"", **info):
		        member = tarfile.TarInfo(name)
		        member.type, member.size = kind, len(data)
		        for key, value in info.items():
		            setattr(member, key, value)
		        tar.addfile(member, io.BytesIO(data))
		    $2
	PYTHON
}

# has_acl FILE KIND [TAG-PERMISSIONS-ID...]: as libext2fs tells a kernel's form of it
has_acl()
{
	local file=$1 kind=$2 wanted='' entry tag perm id

	shift 2
	[ $# = 0 ] || wanted=02000000
	for entry; do
		IFS=- read -r tag perm id <<<"$entry"
		wanted+=$(printf '%02x00%02x00%02x000000' "$tag" "$perm" "$id")
	done
	debugfs -R "ea_get -x /$file system.posix_acl_$kind" disk 2>log |
		sed 's/.* = //; s/ //g' | grep . >acl
	[ "$(cat acl)" = "$wanted" ] ||
		fail "$file: $kind list $(cat acl), expected $wanted"
}

# has_mode FILE MODE
has_mode()
{
	debugfs -R "stat /$1" disk 2>log | grep -q "Mode: *$2 " ||
		fail "$1: its mode is not $2"
}

bad acls.tar 'base = "user::rw-,group::r--,other::r--"
    def acl(name, access=None, default=None, **info):
        lists = {"SCHILY.acl.access": access, "SCHILY.acl.default": default}
        add(name, pax_headers={key: lists[key] for key in lists if lists[key]}, **info)
    acl("plain", base, mode=0o644)
    acl("many", base + ",mask::rw-,user:7:r-x,user:name:-w-:3,group:5:---", mode=0o4664)
    acl("dir", "user::rwx,group::r-x,other::---,mask::--x", base, kind=tarfile.DIRTYPE, mode=0o1710)
    acl("name", base + ",mask::rw-,user:name:rw-", mode=0o664)
    acl("large", base + ",mask::rw-,user:4294967290:rw-")
    acl("no-mask", base + ",user:7:rw-")
    acl("part", None, "user::rwx", kind=tarfile.DIRTYPE)
    acl("file", None, base)
    acl("link", base + ",mask::rw-", kind=tarfile.SYMTYPE, linkname="x")
    add("nfs4", pax_headers={"SCHILY.acl.ace": "owner@:r::allow"})'
expect 0 "$tool" turbo --size 128M -o acls acls.tar
says 'warning: acls.tar: 7 access control lists were left out'
config_of acls >acls.json
expect 0 "$tool" export acls.json disk
in_order disk
has_acl plain access
has_mode plain 0644
has_acl many access 1-6-0 2-2-3 2-5-7 4-4-0 8-0-5 16-6-0 32-4-0
has_mode many 04664
has_acl dir access 1-7-0 4-5-0 16-1-0 32-0-0
has_acl dir default 1-6-0 4-4-0 32-4-0
has_mode dir 01710
for name in name large no-mask part file link nfs4; do
	has_acl $name access
	has_acl $name default
done
has_mode name 0644

# A directory with thousands of names, most of which the next layer changes: as the
# kernel would have indexed it, and not.
bad big-0.tar 'for i in range(6000): add(f"big/file-{i}", data=b"%d" % i)
    add("other", data=b"other")'
bad big-1.tar 'import os
    def write(name, data):
        with open("unpacked/" + name, "wb") as file: file.write(data)
    os.makedirs("unpacked/big")
    write("other", b"other")
    for i in range(6000):
        name, change = f"big/file-{i}", i % 20
        if change < 6: add(f"big/.wh.file-{i}")
        elif change == 6: add(name, tarfile.DIRTYPE); os.mkdir("unpacked/" + name)
        elif change == 7: add(name, tarfile.LNKTYPE, linkname="other"); write(name, b"other")
        elif change == 8: add(name, tarfile.SYMTYPE, linkname="x"); os.symlink("x", "unpacked/" + name)
        elif change == 9: add(f"big/.wh.file-{i}"); add(name, data=b"new"); write(name, b"new")
        elif change == 10: add(name, tarfile.DIRTYPE); add(name, data=b"new"); write(name, b"new")
        else: write(name, b"%d" % i)
        if change == 11: name = "big/" + f"longer-name-{i}" * 9; add(name, data=b"new"); write(name, b"new")'
expect 0 "$tool" turbo --size 128M -o big-0 big-0.tar
jq -n --arg meta "$work/big-0" --arg tar "$work/big-0.tar" \
	'{ lowers: [{ file: $meta, targetFile: $tar }] }' >plain.json
expect 0 "$tool" export plain.json indexed.raw
in_order indexed.raw
e2fsck -fyD indexed.raw >fsck 2>&1
expect 0 "$tool" create --raw indexed.raw indexed
config_of indexed >indexed.json
for base in plain indexed; do
	expect 0 "$tool" turbo --base $base.json -o big-1 big-1.tar
	jq --arg meta "$work/big-1" --arg tar "$work/big-1.tar" \
		'.lowers += [{ file: $meta, targetFile: $tar }]' $base.json >big.json
	expect 0 "$tool" export big.json disk
	in_order disk
	rm -rf dumped && mkdir dumped
	debugfs -R 'rdump /big /other dumped' disk >log 2>&1
	diff -r --no-dereference unpacked dumped >differences ||
		fail "$base: $(head -n 5 differences)"
done
debugfs -R 'htree_dump /big' disk 2>log | grep -q 'Root node' ||
	fail 'the directory is not indexed any more'

# memory NR: KiB that the tool takes when a layer has one file so many times, each
# time with something behind it
memory()
{
	bad one.tar 'add("name", data=b"x")'
	python3 - "$1" "$tool" <<-'PYTHON'
		import gzip, resource, subprocess, sys
		tar = open("one.tar", "rb").read()
		entry = tar[:513] + b"y" * 511
		with gzip.open("many.tar.gz", "wb", 1) as layer:
		    for _ in range(int(sys.argv[1]) // 1000):
		        layer.write(entry * 1000)
		    layer.write(bytes(1024))
		subprocess.run([sys.argv[2], "turbo", "-o", "many", "many.tar.gz"],
		               check=True, stdout=subprocess.DEVNULL)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PYTHON
}

few=$(memory 1000) many=$(memory 100000)
[ "$many" -le $((few + 16384)) ] ||
	fail "a file made once more 1000 times takes $few KiB, 100000 times $many"

# A directory that no entry describes, behind 2038.
bad made.tar 'add("made/file", mtime=3100000000)'
SOURCE_DATE_EPOCH=3000000000 expect 0 "$tool" turbo --size 64M -o made made.tar
config_of made >made.json
expect 0 "$tool" export made.json disk
in_order disk
for name in / made; do
	TZ=UTC debugfs -R "stat $name" disk 2>log | grep 'time: 0x' >listed
	! grep -v 'Sat Jan 24 05:20:00 2065' listed || fail "$name: $(cat listed)"
	[ "$(wc -l <listed)" = 4 ] || fail "$name: no times"
done

# spent NR: microseconds of computing for a directory of so many names
spent()
{
	bad names.tar "for i in range($1): add(f'dir/name-{i}')"
	python3 - "$tool" <<-'PYTHON'
		import resource, subprocess, sys
		subprocess.run([sys.argv[1], "turbo", "-o", "names", "names.tar"],
		               check=True, stdout=subprocess.DEVNULL)
		usage = resource.getrusage(resource.RUSAGE_CHILDREN)
		print(int((usage.ru_utime + usage.ru_stime) * 1e6))
	PYTHON
}

few=$(spent 1000) many=$(spent 20000)
[ "$many" -le $((few * 60)) ] ||
	fail "1000 names take $few microseconds, 20000 take $many"

# refused STATUS TEXT ARG...: nothing is left
refused()
{
	local status=$1 text=$2

	shift 2
	rm -f meta
	expect "$status" "$tool" turbo --size 128M --out meta "$@"
	says "$text"
	[ ! -e meta ] || fail "$*: left something"
}

bad up.tar 'add("a/../../b")'
refused 3 "'a/../../b': its path has '..'" up.tar
bad long.tar 'add("x" * 256)'
refused 3 'too long a name' long.tar
bad link.tar 'add("a", tarfile.LNKTYPE, linkname="none")'
refused 3 "'a': cannot find what it is a link to" link.tar
bad inside.tar 'add("a/b"); add("a", tarfile.LNKTYPE, linkname="a/b")'
refused 3 "'a': cannot make the link" inside.tar
bad dir.tar 'add("a", tarfile.DIRTYPE); add("b", tarfile.LNKTYPE, linkname="a")'
refused 3 "'b': cannot make the link" dir.tar
for name in . ..; do
	bad dots.tar "add('a/b'); add('a/.wh.$name')"
	refused 3 "cannot apply the whiteout" dots.tar
done
bad loop.tar 'link = tarfile.SYMTYPE; add("a", link, linkname="b"); add("b", link, linkname="a"); add("a/c")'
refused 3 "'a/c': cannot find its directory" loop.tar
bad long-walk.tar 'link = tarfile.SYMTYPE; add("l7/"); [add(f"l{i}", link, linkname=f"l{i + 1}/../" * 500) for i in range(7)]; add("l0/x")'
refused 3 "'l0/x': cannot find its directory" long-walk.tar
bad longer.tar 'add("a", data=bytes(512), pax_headers={"SCHILY.realsize": "3000"}); add("b", data=b"b" * 3000)'
refused 3 'the content of an entry ends at byte' longer.tar
bad longest.tar 'add("a", data=bytes(512), pax_headers={"SCHILY.realsize": "300000"})'
refused 3 'the content of an entry ends at byte' longest.tar
bad device.tar 'add("a", tarfile.CHRTYPE, devmajor=4096, devminor=0)'
refused 3 "'a': cannot make it" device.tar
bad file.tar 'add("a"); add("a/b")'
refused 3 "'a/b': cannot find its directory" file.tar
bad uid.tar 'add("a", uid=1 << 33)'
refused 3 "'a': cannot set its attributes" uid.tar
bad xattr.tar 'add("a", pax_headers={"SCHILY.xattr.user.x": "v" * 70000})'
refused 1 "'a': cannot set its extended attributes" xattr.tar
bad root.tar 'add(".", tarfile.SYMTYPE, linkname="a")'
refused 3 "'.': expected a directory" root.tar
bad large.tar 'add("a", data=bytes(20 << 20))'
refused 1 "'a': cannot place its content: Could not allocate block" --size 16M large.tar
head -c 3000000 lay-0.tar >cut.tar
refused 3 'cut.tar: no valid tar at byte' cut.tar
bad pax.tar 'add("a", pax_headers={"comment": "x"})'
head -c 600 pax.tar >cut.tar
refused 3 'at byte 600 of it: is it cut off?' cut.tar
head -c 100000 lay-0.tar.gz >cut.gz
refused 3 'unexpected end of file' cut.gz
head -c -4 lay-0.tar.gz >cut.gz
refused 3 'unexpected end of file' cut.gz
zstd -q lay-1.tar -o lay-1.zst
refused 3 'is compressed by zstd' lay-1.zst
refused 3 'no valid tar' "$tool"
{ cat lay-0.tar; echo more; } >longer-0.tar
expect 0 "$tool" turbo --size 128M --out longer-0 longer-0.tar
says 'is left out'
cmp -s meta-0 longer-0 && fail 'the checksum of another archive'
{ head -c 1M /dev/zero; echo more; } >zeros.tar
refused 3 'zeros.tar: is no tar archive' zeros.tar
refused 1 'none: No such file' none
refused 1 'a file system: is --size large enough' --size 64K lay-1.tar
refused 1 'cannot read at byte 0 of it: Is a directory' .
export SOURCE_DATE_EPOCH=abc
refused 1 "SOURCE_DATE_EPOCH is 'abc'" lay-1.tar
unset SOURCE_DATE_EPOCH
refused 2 "--fs is 'xfs', expected ext4" --fs xfs lay-1.tar
refused 2 'expected one layer' lay-1.tar lay-2.tar
refused 2 'without --base' --base base.json lay-1.tar
expect 2 "$tool" turbo lay-1.tar
says 'expected --out'
cp lay-1.tar keep.tar
expect 1 "$tool" turbo --out keep.tar keep.tar
cmp lay-1.tar keep.tar || fail 'the layer is gone'

# refused_base STATUS TEXT [LAYER]
refused_base()
{
	rm -f meta
	expect "$1" timeout 60 "$tool" turbo --base base.json --out meta \
		"${3:-lay-1.tar}"
	says "$2"
	[ ! -e meta ] || fail 'left something'
}

head -c 1M /dev/urandom >noise
expect 0 "$tool" create --raw noise noise.layer
config_of noise.layer >base.json
refused_base 3 'cannot open an ext4 file system in the image of --base: '
expect 0 "$tool" create-upper --size 32M data index
config_with_upper data index base >base.json
refused_base 1 'has a writable layer'
for feature in inline_data ea_inode quota mmp; do
	rm -f features.raw
	mke2fs -q -t ext4 -O "^has_journal,$feature" features.raw 16M >log 2>&1 ||
		fail "$(cat log)"
	expect 0 "$tool" create --raw features.raw features
	config_of features >base.json
	refused_base 1 'has features'
done
# Directories that have several names, or are in themselves, so that there are more
# ways through them than anybody can go.
deep=d$(printf '/x%.0s' {1..40})
bad opaque.tar "add('$deep/new'); add('d/.wh..wh..opq')"
bad whiteout.tar 'add(".wh.d")'
bad replaced.tar 'add("d")'
rm -rf tree && mkdir -p "tree/$deep"
mke2fs -q -t ext4 -O ^has_journal -d tree ways.raw 16M >log 2>&1 ||
	fail "$(cat log)"
cp ways.raw circle.raw
path=/d
for _ in {1..40}; do
	echo "ln $path/x $path/y"
	path+=/x
done | debugfs -w -f - ways.raw >log 2>&1
for name in a b; do
	echo "ln /d/x /d/x/x/$name"
done | debugfs -w -f - circle.raw >log 2>&1
for base in ways circle; do
	expect 0 "$tool" create --raw $base.raw $base
	config_of $base >base.json
	for layer in opaque whiteout replaced; do
		refused_base 3 'directory corrupted' $layer.tar
	done
done
debugfs -w -R 'feature has_journal needs_recovery' base.raw 2>log >&2
expect 0 "$tool" create --raw base.raw dirty
config_of dirty >base.json
refused_base 3 'was not unmounted'
nothing_left .

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Layers of OCI images: make some, unpack them, and list what came out.

oci.py make DIR            lay-0.tar.gz to lay-2.tar.gz, with everything in them
oci.py unpack ROOT LAYER   apply a layer to the files below ROOT
oci.py list ROOT           everything below ROOT, a line each
"""

import errno
import gzip
import hashlib
import io
import os
import random
import shutil
import stat
import struct
import sys
import tarfile

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
ACL = "user::rw-,user:1000:r--,group::r--,group:7:rwx,other::r--,mask::rw-"
ACL_DEFAULT = "user::rwx,group::r-x,other::---"


def acl(text):
    """What a kernel calls so."""
    tags = {"user": 1, "group": 4, "mask": 16, "other": 32}
    entries = []
    for kind, who, letters in (part.split(":") for part in text.split(",")):
        perm = sum(4 >> i for i, letter in enumerate(letters) if letter != "-")
        entries.append((tags[kind] << bool(who), perm, int(who or 0xFFFFFFFF)))
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry) for entry in sorted(entries))


class Layer:
    """A tar that grows."""

    def __init__(self, path, pax=True):
        self.path = path
        self.dirty = []
        self.random = random.Random(path)
        self.tar = tarfile.open(
            path, "w", format=tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT,
            encoding="utf-8", errors="surrogateescape")

    def add(self, name, kind=tarfile.REGTYPE, data=b"", xattrs=None, acls=None,
            **info):
        member = tarfile.TarInfo(name)
        member.type = kind
        member.size = len(data)
        member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        member.mtime = 1500000000 + self.random.randrange(10 ** 8)
        for key, value in info.items():
            setattr(member, key, value)
        if isinstance(member.mtime, str):
            member.pax_headers["mtime"] = member.mtime
            member.mtime = 0
        for key, value in (xattrs or {}).items():
            member.pax_headers["SCHILY.xattr." + key] = value.decode(
                "utf-8", "surrogateescape")
        for key, text in (acls or {}).items():
            member.pax_headers["SCHILY.acl." + key] = text
        self.tar.addfile(member, io.BytesIO(data))

    def dir(self, name, **info):
        self.add(name, tarfile.DIRTYPE, **info)

    def bytes(self, size):
        """Half of it compresses."""
        half = self.random.randbytes(size // 2)
        return (half + b"text " * (size // 10 + 1))[:size]

    def file(self, name, size, **info):
        self.add(name, data=self.bytes(size), **info)

    def file_dirty(self, name, size):
        """The tar has something behind its end that is not to be seen."""
        self.file(name, size)
        self.dirty.append((self.tar.offset - -size % 512, -size % 512))

    def link(self, name, to):
        self.add(name, tarfile.LNKTYPE, linkname=to)

    def symlink(self, name, to):
        self.add(name, tarfile.SYMTYPE, linkname=to)

    def whiteout(self, name):
        self.add(name)

    def close(self, members=1):
        self.tar.close()
        with open(self.path, "r+b") as tar:
            for pos, size in self.dirty:
                tar.seek(pos)
                tar.write(b"\xee" * size)
        with open(self.path, "rb") as tar, open(self.path + ".gz", "wb") as gz:
            data = tar.read()
            step = len(data) // members + 1
            for at in range(0, len(data), step):
                gz.write(gzip.compress(data[at:at + step], mtime=0))


def lowest(path):
    layer = Layer(path)
    layer.dir("./", mode=0o751, mtime=1400000000)
    for name in ("usr", "usr/lib", "etc", "var", "replaced", "kept", "opaque",
                 "opaque/deep", "gone", "gone/deep", "merged"):
        layer.dir(name)
    layer.symlink("lib", "usr/lib")
    for size in (0, 1, 59, 511, 512, 513, 4095, 4096, 4097, 65536, 100001):
        layer.file(f"usr/lib/size-{size}", size)
    layer.file("usr/lib/large", 9 << 20)
    layer.file("usr/lib/suid", 3000, mode=0o4755, uid=70000, gid=100000)
    layer.file("usr/lib/old", 10, mtime="-315619200")
    layer.file("usr/lib/future", 10, mtime="4102448523.123456789")
    layer.file("etc/xattrs", 700, xattrs={
        "user.short": b"value", "user.long": b"v" * 900,
        "security.capability": struct.pack("<IIIII", 0x02000001, 1 << 10,
                                           0, 0, 0)})
    layer.file("etc/acl", 7, mode=0o664,
               xattrs={"system.posix_acl_access": acl(ACL)})
    layer.file("etc/acl-text", 7, mode=0o664, acls={"access": ACL})
    layer.dir("etc/acls", mode=0o775,
              acls={"access": ACL.replace("user::rw-", "user::rwx"),
                    "default": ACL_DEFAULT})
    layer.dir("var/attributes", mode=0o1777, xattrs={"user.gone": b"1"})
    layer.link("etc/linked", "usr/lib/size-4097")
    layer.link("etc/linked-again", "./etc/linked")
    layer.symlink("etc/nowhere", "/not/there")
    layer.symlink("etc/long", "x" * 200)
    layer.add("etc/null", tarfile.CHRTYPE, devmajor=1, devminor=3)
    layer.add("etc/block", tarfile.BLKTYPE, devmajor=259, devminor=70000)
    layer.add("etc/fifo", tarfile.FIFOTYPE, mode=0o600)
    for name in ("\u00e9t\u00e9", "\udcff\udcfe", "new\nline", "n" * 255,
                 ".whatever", "wh.not"):
        layer.file("var/" + name, 33)
    layer.file("implicit/parents/of/file", 5000)
    for i in range(1500):
        layer.file(f"many/of-them-with-a-name-that-takes-some-space-{i}", i)
    for name in ("opaque/low", "opaque/deep/low", "gone/low", "gone/deep/low",
                 "replaced/low", "kept/low", "merged/low", "to-dir", "to-link",
                 "bye", "bye-linked"):
        layer.file(name, 6000)
    layer.link("still-there", "bye-linked")
    layer.symlink("from-link", "kept/low")
    layer.link("opaque/shared", "kept/low")
    # Two ways to write the same letter, and so two names.
    for name in ("names/e\u0301", "names/\u00e9", "names/\u1100\u1161"):
        layer.file(name, len(name.encode()))
    layer.symlink("names/link", "e\u0301")
    layer.link("names/linked", "names/e\u0301")
    for i in range(20):
        layer.symlink(f"chain-{i}", f"chain-{i + 1}" if i < 19 else "kept")
    layer.symlink("link-to-dir", "kept")
    layer.symlink("early", "./late/../late/dir")
    layer.file("early/file", 600)
    layer.symlink("etc/absolute", "/late/" + "/" * 60 + "other")
    layer.file("etc/absolute/file", 600)
    layer.close()


def middle(path):
    layer = Layer(path, pax=False)
    for name in ("opaque/new-before", "opaque/deep/new"):
        layer.file(name, 1000)
    layer.link("opaque/link-to-lower", "kept/low")
    layer.link("opaque/shared", "kept/low")
    layer.file("chain-0/through-many", 9)
    layer.file(".wh..wh.plnk/1.2", 5)
    layer.whiteout("opaque/" + OPAQUE)
    layer.file("opaque/new-after", 1000)
    for name in (".wh.gone", ".wh.bye", ".wh.bye-linked", ".wh.never-there",
                 "never/.wh.there", ".wh..wh.plnk", "still-there/.wh.below",
                 "many/.wh.of-them-with-a-name-that-takes-some-space-700"):
        layer.whiteout(name)
    layer.file("own", 10)
    layer.whiteout(".wh.own")
    layer.file("replaced", 5001)
    layer.dir("to-dir")
    layer.file("to-dir/inside", 40)
    layer.symlink("to-link", "kept")
    layer.file("from-link", 77)
    layer.file("link-to-dir/through", 88)
    layer.file("lib/through", 4100)
    layer.dir("kept/", mode=0o700, uid=5)
    layer.dir("var/attributes", mode=0o1770)
    layer.link("linked-to-lower", "kept/low")
    layer.file("twice", 70000)
    layer.file("twice", 8193)
    layer.link("twice", "twice")
    layer.file("file-then-dir", 9000)
    layer.dir("file-then-dir")
    layer.file("file-then-dir/inside", 1)
    for size in (1, 511, 700, 4097, 8191):
        layer.file_dirty(f"dirty-{size}", size)
    for i in range(300):
        layer.file(f"many/more-{i}", 20 * i)
    layer.close()


def highest(path):
    layer = Layer(path)
    layer.file("usr/lib/large", 5 << 20)
    layer.whiteout("many/" + OPAQUE)
    layer.dir("many", mode=0o711)
    layer.file("many/only", 12345)
    layer.whiteout(".wh.to-dir")
    layer.whiteout("etc/.wh.xattrs")
    layer.whiteout("names/.wh.e\u0301")
    layer.file("gone", 100)
    layer.file_dirty("dirty-700", 300)
    layer.add("replaced", tarfile.FIFOTYPE)
    layer.link("etc/linked", "kept/low")
    layer.dir("d" * 200 + "/" + "e" * 200)
    layer.file("d" * 200 + "/" + "e" * 200 + "/f", 1)
    layer.close(members=3)


def make(folder):
    for i, fill in enumerate((lowest, middle, highest)):
        fill(os.path.join(folder, f"lay-{i}.tar"))


def resolve(root, path):
    """The directory, symbolic links followed as if root were /."""
    at, rest, hops = [], path.split("/"), 0
    while rest:
        name = rest.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            at = at[:-1]
            continue
        real = os.path.join(root, *at, name)
        if os.path.islink(real):
            hops += 1
            if hops > 40:
                raise OSError("too many links")
            target = os.readlink(real)
            rest = target.split("/") + rest
            if target.startswith("/"):
                at = []
        else:
            at.append(name)
    return os.path.join(root, *at)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def remove_lower(path, ours):
    """What the layer has made stays, and the directories above it."""
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove_lower(os.path.join(path, name), ours)
        if path not in ours and not os.listdir(path):
            os.rmdir(path)
    elif os.path.lexists(path) and path not in ours:
        os.unlink(path)


def create(root, tar, member, path):
    if member.islnk():
        target = os.path.normpath(member.linkname)
        target = os.path.join(resolve(root, os.path.dirname(target)),
                              os.path.basename(target))
        if not os.path.lexists(path) or not os.path.samestat(
                os.lstat(path), os.lstat(target)):
            remove(path)
            os.link(target, path, follow_symlinks=False)
        return
    if not (member.isdir() and os.path.isdir(path) and
            not os.path.islink(path)):
        remove(path)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
    elif member.issym():
        os.symlink(member.linkname, path)
    elif member.isreg():
        with open(path, "wb") as out:
            shutil.copyfileobj(tar.extractfile(member), out)
    elif member.isfifo():
        os.mkfifo(path)
    else:
        kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
        os.mknod(path, kind, os.makedev(member.devmajor, member.devminor))


def nanoseconds(member):
    text = member.pax_headers.get("mtime", str(member.mtime))
    whole, _, part = text.partition(".")
    return int(whole) * 10 ** 9 + int((part + "0" * 9)[:9])


def set_xattr(path, key, value):
    """Kernels without a kind of attribute do not show it either."""
    try:
        os.setxattr(path, key, value, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def attributes(member, path, times):
    os.lchown(path, member.uid, member.gid)
    if not member.issym():
        os.chmod(path, member.mode)
    for key in os.listxattr(path, follow_symlinks=False):
        os.removexattr(path, key, follow_symlinks=False)
    for key, value in member.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            set_xattr(path, key[13:],
                      value.encode("utf-8", "surrogateescape"))
        if key.startswith("SCHILY.acl."):
            set_xattr(path, "system.posix_acl_" + key[11:], acl(value))
    mtime = nanoseconds(member)
    if member.isdir():
        times[path] = mtime
    else:
        os.utime(path, ns=(mtime, mtime), follow_symlinks=False)


def parents(folder, ours, times):
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        os.mkdir(path)
        ours.add(path)
        times[path] = 10 ** 9


def apply(root, tar, member, ours, times):
    name = os.path.normpath("/" + member.name).lstrip("/")
    base = os.path.basename(name)
    if name.startswith(WHITEOUT + WHITEOUT) and name != OPAQUE:
        return
    folder = resolve(root, os.path.dirname(name))
    if base == OPAQUE:
        for child in os.listdir(folder):
            remove_lower(os.path.join(folder, child), ours)
    elif base.startswith(WHITEOUT + WHITEOUT):
        return
    elif base.startswith(WHITEOUT):
        remove_lower(os.path.join(folder, base[len(WHITEOUT):]), ours)
    else:
        path = os.path.join(folder, base) if base else root
        parents(folder, ours, times)
        if folder not in times:
            times[folder] = os.lstat(folder).st_mtime_ns
        create(root, tar, member, path)
        ours.add(path)
        if not member.islnk():
            attributes(member, path, times)


def unpack(root, layer):
    root = os.path.realpath(root)
    times = {top: os.lstat(top).st_mtime_ns for top, _, _ in os.walk(root)}
    ours = set()
    with tarfile.open(layer, encoding="utf-8",
                      errors="surrogateescape") as tar:
        for member in tar:
            apply(root, tar, member, ours, times)
    for path, mtime in times.items():
        if os.path.isdir(path) and not os.path.islink(path):
            os.utime(path, ns=(mtime, mtime))


def describe(path, name, seen):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    words = [repr(name), oct(st.st_mode), st.st_uid, st.st_gid]
    if not (kind == stat.S_IFDIR and name == "."):
        words.append(st.st_mtime_ns)
    if kind == stat.S_IFDIR:
        pass
    elif (st.st_dev, st.st_ino) in seen:
        words.append("same as " + seen[st.st_dev, st.st_ino])
    else:
        seen[st.st_dev, st.st_ino] = repr(name)
        words.append(st.st_nlink)
    if kind == stat.S_IFREG:
        with open(path, "rb") as content:
            words += [st.st_size, hashlib.sha256(content.read()).hexdigest()]
    elif kind == stat.S_IFLNK:
        words.append(repr(os.readlink(path)))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        words += [os.major(st.st_rdev), os.minor(st.st_rdev)]
    for key in sorted(os.listxattr(path, follow_symlinks=False)):
        words.append(key + "=" + os.getxattr(
            path, key, follow_symlinks=False).hex())
    return " ".join(str(word) for word in words)


def show(root):
    seen = {}
    names = ["."]
    for top, dirs, files in os.walk(root):
        names += [os.path.relpath(os.path.join(top, name), root)
                  for name in dirs + files]
    for name in sorted(names):
        if name != "lost+found":
            print(describe(os.path.join(root, name), name, seen))


def main():
    commands = {"make": make, "unpack": unpack, "list": show}
    commands[sys.argv[1]](*sys.argv[2:])


main()

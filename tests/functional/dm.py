# SPDX-License-Identifier: GPL-2.0-only
"""Loop devices, mapped devices and the kernel's log, without a process each."""
import atexit
import contextlib
import ctypes
import fcntl
import os
import struct

LOOP_CTL_GET_FREE = 0x4c82
LOOP_CONFIGURE = 0x4c0a
LOOP_READ_ONLY, LOOP_AUTOCLEAR = 1, 4

CREATE, RELOAD, REMOVE, SUSPEND, RESUME, CLEAR = 0, 1, 2, 4, 5, 14

_dm = ctypes.CDLL('libdevmapper.so.1.02.1')
_dm.dm_task_create.restype = ctypes.c_void_p
_dm.dm_task_add_target.argtypes = [ctypes.c_void_p, ctypes.c_uint64,
                                   ctypes.c_uint64, ctypes.c_char_p,
                                   ctypes.c_char_p]
for _f in (_dm.dm_task_set_name, _dm.dm_task_set_ro, _dm.dm_task_run,
           _dm.dm_task_destroy, _dm.dm_task_get_errno,
           _dm.dm_task_no_flush, _dm.dm_task_retry_remove):
    _f.argtypes = [ctypes.c_void_p]
_dm.dm_task_set_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

# libdevmapper says on standard error what the caller knows anyway.
_quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_int,
                          ctypes.c_int, ctypes.c_char_p)(lambda *_: None)
_dm.dm_log_with_errno_init(_quiet)
# It also speaks when it is unloaded, after Python's functions are gone.
atexit.register(_dm.dm_log_with_errno_init, None)


class Task:
    """One request to device-mapper."""

    def __init__(self, kind, name):
        self.name = name
        self.task = ctypes.c_void_p(_dm.dm_task_create(kind))
        _dm.dm_task_set_name(self.task, name.encode())

    def table(self, lines, read_only=True):
        """What to load, as dmsetup takes it."""
        if read_only:
            _dm.dm_task_set_ro(self.task)
        for line in lines.split('\n'):
            start, length, target, *params = line.split(' ', 3)
            _dm.dm_task_add_target(self.task, int(start), int(length),
                                   target.encode(),
                                   ''.join(params).encode())
        return self

    def run(self):
        """Raises OSError."""
        done = _dm.dm_task_run(self.task)
        error = _dm.dm_task_get_errno(self.task)
        _dm.dm_task_destroy(self.task)
        _dm.dm_task_update_nodes()
        if not done:
            raise OSError(error, os.strerror(error), self.name)


def load(name, lines, read_only=True):
    """Into the inactive slot."""
    Task(RELOAD, name).table(lines, read_only).run()


def simple(kind, name):
    """A request that needs no more."""
    Task(kind, name).run()


@contextlib.contextmanager
def empty_device(name):
    """A device without a table, to load tables into."""
    simple(CREATE, name)
    try:
        yield name
    finally:
        simple(REMOVE, name)


@contextlib.contextmanager
def loop_device(path, read_only=True):
    """A loop device of a file; it goes by itself when unused."""
    flags = LOOP_AUTOCLEAR | (LOOP_READ_ONLY if read_only else 0)
    mode = os.O_RDONLY if read_only else os.O_RDWR
    control = os.open('/dev/loop-control', os.O_RDWR)
    loop = f'/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}'
    os.close(control)
    device, file = os.open(loop, mode), os.open(path, mode)
    try:
        info = struct.pack('<52xI176x', flags)
        fcntl.ioctl(device, LOOP_CONFIGURE,
                    struct.pack('<II', file, 0) + info + bytes(64))
        yield loop
    finally:
        os.close(file)
        os.close(device)


class Log:
    """What the kernel says from now on."""

    def __init__(self):
        self.file = os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def lines(self):
        """Everything since it was asked last."""
        lines = []
        while True:
            try:
                record = os.read(self.file, 8192)
            except BrokenPipeError:     # some were overwritten
                continue
            except BlockingIOError:
                return lines
            text = record.decode(errors='replace').split(';', 1)[1]
            lines.append(text.split('\n', 1)[0])

# SPDX-License-Identifier: Apache-2.0
"""A /dev and an /etc/passwd of our own. In the former somebody reads the log: what the modules say
costs them what it costs on a machine with a system log, and reaches no log of this one."""

import os
import socket
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/lib"))
import private_root  # noqa: E402
from private_root import MS_BIND, MS_PRIVATE, MS_REC, mount  # noqa: E402

MS_MOVE = 8192
FIRST_UID = 300_000
READER = """
import ctypes, os, signal, socket, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
log = socket.socket(fileno=int(sys.argv[1]))
while True:
    log.recv(65536)
"""


def _copy_entry(name, target):
    path = f"/dev/{name}"
    kind = os.lstat(path).st_mode
    if stat.S_ISLNK(kind):
        os.symlink(os.readlink(path), target)
    elif stat.S_ISDIR(kind):
        os.mkdir(target)
        mount(path, target, None, MS_BIND | MS_REC)
    elif stat.S_ISCHR(kind):
        os.close(os.open(target, os.O_CREAT))
        mount(path, target, None, MS_BIND)


def enter(folder, users):
    """From here on this process and its children have their own. Ends with them."""
    private_root._check(private_root._libc.unshare(private_root.CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    _make_users(folder, users)
    _make_log(folder)


def _make_users(folder, users):
    own = f"{folder}/passwd"
    with open("/etc/passwd") as old, open(own, "w") as new:
        new.write(old.read())
        for number in range(users):
            new.write(f"user{number:07}:x:{FIRST_UID + number}:65534::/nonexistent:/bin/sh\n")
    mount(own, "/etc/passwd", None, MS_BIND)


def _make_log(folder):
    own = f"{folder}/dev"
    os.mkdir(own)
    mount("none", own, "tmpfs", 0, "mode=755")
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd",
                 "stdin", "stdout", "stderr"):
        if os.path.lexists(f"/dev/{name}"):
            _copy_entry(name, f"{own}/{name}")
    mount(own, "/dev", None, MS_MOVE)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    subprocess.Popen([sys.executable, "-c", READER, str(log.fileno())], pass_fds=[log.fileno()])

# SPDX-License-Identifier: Apache-2.0
"""A private root file system and process tree, so that a trial or a test changes nothing of the host.

Everything lives in namespaces and on a tmpfs that the kernel takes away with the last process, so
that nothing stays behind even after SIGKILL: no process, mount, account or file.
"""

import ctypes
import fcntl
import os
import signal
import socket
import stat
import struct
import sys

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
SYS_pivot_root = {"x86_64": 155, "aarch64": 41, "riscv64": 41}

# Directories of the host that are seen through an overlay: read from the host, written to memory.
OVERLAID = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "root", "sbin", "srv", "usr",
            "var")
EMPTY = ("home", "mnt", "run", "tmp")
DEVICES = (["null", "zero", "full", "random", "urandom", "tty", "console"] +
           [f"tty{n}" for n in range(0, 13)] + [f"{kind}{n}" for kind in ("vcs", "vcsu") for n in range(1, 13)] +
           [f"{kind}{n}" for kind in ("ttyS", "hvc", "ttyAMA") for n in range(0, 4)])


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind=None, flags=0, data=None):
    text = [None if value is None else os.fsencode(value) for value in (source, target, kind, data)]
    _check(_libc.mount(text[0], text[1], text[2], ctypes.c_ulong(flags), text[3]), f"mount {target}")


def missing_rights():
    """Why this process cannot make a private root, as a sentence, or None when it can."""
    if os.geteuid() != 0:
        return "this needs root (sudo)"
    child = os.fork()
    if child == 0:
        try:
            _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
            mount("none", "/", None, MS_REC | MS_PRIVATE)
            mount("none", "/mnt", "tmpfs")
            grandchild = os.fork()
            if grandchild == 0:  # a fresh /proc can only be mounted from inside the pid namespace
                os.mkdir("/mnt/proc")
                mount("proc", "/mnt/proc", "proc")
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) and 1)
        except BaseException:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        return None
    return ("root may not make mount and pid namespaces here; a container needs "
            "--privileged (or CAP_SYS_ADMIN and an unmasked /proc) for this")


def _pass_on(pid):
    """Passes the signals that end us to `pid`; Ctrl-C reaches it through the terminal."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda n, _frame: os.kill(pid, n))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wait_for(pid):
    """Reaps every child until `pid` ends; its exit status, as a shell would give it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS


def _make_devices(root):
    dev = f"{root}/dev"
    os.mkdir(dev)
    mount("none", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755")
    for name in DEVICES:
        try:
            host = os.stat(f"/dev/{name}")
        except FileNotFoundError:
            continue
        if stat.S_ISCHR(host.st_mode):
            os.mknod(f"{dev}/{name}", host.st_mode, host.st_rdev)
            os.chmod(f"{dev}/{name}", stat.S_IMODE(host.st_mode))
            os.chown(f"{dev}/{name}", host.st_uid, host.st_gid)
    for name in ("pts", "shm"):
        os.mkdir(f"{dev}/{name}")
    mount("none", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC,
          "newinstance,gid=5,mode=620,ptmxmode=666")
    mount("none", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    os.symlink("pts/ptmx", f"{dev}/ptmx")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{dev}/{name}")
    os.symlink("/proc/self/fd", f"{dev}/fd")


def _make_overlays(base, root, over_usr):
    for name in OVERLAID:
        host = f"/{name}"
        if os.path.islink(host):
            os.symlink(os.readlink(host), f"{root}/{name}")
            continue
        if not os.path.isdir(host):
            continue
        for kind in ("upper", "scratch"):
            os.makedirs(f"{base}/{kind}/{name}")
        os.chmod(f"{base}/upper/{name}", stat.S_IMODE(os.stat(host).st_mode))
        os.mkdir(f"{root}/{name}")
        lower = host
        if name == "usr" and over_usr:
            for number, tree in enumerate(over_usr):  # bound, so that no path needs escaping
                link = f"{base}/over{number}"
                os.mkdir(link)
                mount(tree, link, None, MS_BIND)
            lower = ":".join([f"{base}/over{n}" for n in range(len(over_usr))] + [host])
        mount("none", f"{root}/{name}", "overlay", 0,
              f"lowerdir={lower},upperdir={base}/upper/{name},workdir={base}/scratch/{name}")


def _keep(base, path, fd, target):
    name = path.strip("/").replace("/", "-")
    for kind in ("lower", "upper", "scratch"):
        os.makedirs(f"{base}/{kind}/keep/{name}")
    mount(f"/proc/self/fd/{fd}", f"{base}/lower/keep/{name}", None, MS_BIND)
    status = os.fstat(fd)
    os.chmod(f"{base}/upper/keep/{name}", stat.S_IMODE(status.st_mode))
    os.chown(f"{base}/upper/keep/{name}", status.st_uid, status.st_gid)
    mount("none", target, "overlay", 0,
          f"lowerdir={base}/lower/keep/{name},upperdir={base}/upper/keep/{name},"
          f"workdir={base}/scratch/keep/{name}")
    os.close(fd)


def _build(keep, over_usr):
    """Makes the new root under /mnt and moves into it. `keep` stays visible; what is written there is lost."""
    kept = [(path, os.open(path, os.O_PATH)) for path in keep]
    base, root = "/mnt", "/mnt/root"
    mount("none", base, "tmpfs", 0, "mode=755")
    os.mkdir(root)
    mount(root, root, None, MS_BIND)  # pivot_root wants a mount point
    _make_overlays(base, root, over_usr)
    for name in EMPTY:
        os.mkdir(f"{root}/{name}")
        mode = "1777" if name == "tmp" else "755"
        mount("none", f"{root}/{name}", "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode}")
    os.mkdir(f"{root}/proc")
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.mkdir(f"{root}/sys")
    mount("/sys", f"{root}/sys", None, MS_BIND | MS_REC)
    _make_devices(root)
    for path, fd in kept:
        os.makedirs(root + path, exist_ok=True)
        _keep(base, path, fd, root + path)
    os.chdir(root)
    number = SYS_pivot_root[os.uname().machine]
    _check(_libc.syscall(number, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount the host's root")
    os.chdir("/")


def enter(keep=(), over_usr=(), own_network=True, name=None, hostname=None):
    """Goes on, in a new process, inside a private root; the calling process waits and exits with
    that process's status. `keep`: folders that stay visible at their own path; writes to them go to memory.
    `over_usr`: folders laid over /usr, the first on top. `name`: shown by ps, for the first
    process inside. `hostname`: what the host is called inside, its own name otherwise."""
    sys.stdout.flush()
    sys.stderr.flush()
    network = CLONE_NEWNET if own_network else 0
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | network), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    if hostname:
        socket.sethostname(hostname)
    first = os.fork()
    if first:
        _pass_on(first)
        os._exit(_wait_for(first))
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if name:
        with open("/proc/self/comm", "w") as comm:
            comm.write(name)
    _build(keep, over_usr)
    if own_network:
        _bring_loopback_up()
    main = os.fork()
    if main:
        _pass_on(main)
        os._exit(_wait_for(main))  # the kernel ends whatever else runs in the pid namespace
    if name:
        with open("/proc/self/comm", "w") as comm:
            comm.write("python3")

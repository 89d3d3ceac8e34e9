# SPDX-License-Identifier: Apache-2.0
"""The kernel fails what sparekeyd asks for: strace makes reads, writes, syncs, truncations and opens
fail during real logins; a disk is full; a disk becomes read-only."""

import itertools
import os
import re
import signal
import subprocess
import time

import campaign
from campaign import DOORS, faults, scarce

ERRORS = ("ENOSPC", "EIO", "EROFS")
CALLS = {"read": "read,pread64", "write": "write,pwrite64", "sync": "fsync,fdatasync",
         "truncate": "ftruncate", "open": "openat"}


class Tracer:
    """strace on all threads of a running process."""

    def __init__(self, pid, folder, calls, error, when):
        self.log = f"{folder}/strace"
        self.calls, self.error = calls, error
        self.child = subprocess.Popen(
            ["strace", "-f", "-q", "-p", str(pid), "-o", self.log, "-e", f"trace={calls}", "-e",
             f"inject={calls}:error={error}:when={when}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        while not self.is_on(pid):
            if self.child.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"strace does not attach: {self.child.communicate()[1]}")
            time.sleep(0.005)

    @staticmethod
    def is_on(pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status") as status:
                if re.search(r"^TracerPid:\t0$", status.read(), re.M):
                    return False
        return True

    def detach(self):
        """Lets the process go on; how many faults there were."""
        self.child.send_signal(signal.SIGTERM)
        self.child.communicate(timeout=30)
        return self.count()

    def count(self):
        with open(self.log, errors="replace") as log:
            injected = re.findall(r"(\w+)\(.*\(INJECTED\)", log.read())
        faults.update(f"{call} fails with {self.error}" for call in injected)
        return len(injected)


class Disk(campaign.Campaign):

    def trace(self, calls, error, when):
        return Tracer(self.service.child.pid, self.service.folder, calls, error, when)

    def test_every_call_of_a_login_fails_once(self):
        """The n-th call of a kind fails, n = 1 … until a login ends without reaching it."""
        doors = itertools.cycle(DOORS)
        kinds = list(itertools.product(("write", "sync", "read", "open"), ERRORS))
        for name, error in kinds if campaign.LONG else kinds[::2]:
            for at in range(1, 60):
                tracer = self.trace(CALLS[name], error, at)
                self.ada.log_in(next(doors))
                hit = tracer.detach()
                self.assertTrue(self.service.is_running(), self.service.log())
                self.ada.check(next(doors))  # by itself, without a restart
                if not hit:
                    break
                if at % 4 == 0:
                    self.restart()
                    self.ada.check(next(doors))
        self.restart()
        self.check_all()

    def stream(self, name, error, when, logins):
        """Many logins while every few calls of one kind fail."""
        doors = itertools.cycle(DOORS)
        tracer = self.trace(CALLS[name], error, when)
        for number in range(logins):
            person = self.everybody()[number % 3]
            if number % 5 == 4 and person.failures < 3:
                person.fail(next(doors))
            else:
                person.log_in(next(doors))
        tracer.detach()
        self.assertTrue(self.service.is_running(), self.service.log())
        self.check_all()
        for person in self.everybody():
            person.log_in("ssh")
        self.restart()
        self.check_all()

    def test_calls_fail_again_and_again(self):
        """Another call of the logins each time, since the steps are prime to their number of
        calls."""
        logins = scarce(20, 120)
        for name, error, when in [("write", "ENOSPC", "1+3"), ("sync", "EIO", "1+2"),
                                  ("write", "EIO", "2+5"), ("sync", "ENOSPC", "2+3"),
                                  ("write", "EROFS", "3+4"), ("sync", "EROFS", "1+3"),
                                  ("write", "ENOSPC", "1+1"), ("sync", "EIO", "1+1"),
                                  ("read", "EIO", "1+2"), ("open", "EIO", "1+1")]:
            with self.subTest(name=name, error=error, when=when):
                self.stream(name, error, when, logins)

    def test_calls_of_the_start_and_of_the_end_fail(self):
        """It serves, or ends with a line that says why; then it starts as if nothing had been."""
        step = scarce(7, 1)
        for (name, error), first in zip(itertools.product(CALLS, ERRORS), itertools.cycle(range(7))):
            for at in range(1 + first % step, 400, step):
                self.service.end()
                log = f"{self.service.folder}/strace"
                wrapper = ["strace", "-f", "-q", "-o", log, "-e", f"trace={CALLS[name]}", "-e",
                           f"inject={CALLS[name]}:error={error}:when={at}"]
                serves = self.service.start(wrapper)
                if serves:
                    self.ada.log_in("ssh")
                    self.end_traced()
                with open(log, errors="replace") as text:
                    injected = re.findall(r"(\w+)\(.*\(INJECTED\)", text.read())
                faults.update(f"{call} fails with {error} (start, end)" for call in injected)
                self.assertTrue(self.service.start(), f"{name} {error} {at}: {self.service.log()}")
                if not injected:
                    break
            self.check_all()

    def end_traced(self):
        """strace passes no signal on: the one that it runs is ended itself. A read that fails may
        have been the one of the signal, inside sparekeyd; the next signal is heard then."""
        pid = self.service.child.pid
        for _ in range(3):
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGTERM)
            try:
                return self.service.child.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self.fail("sparekeyd does not end:\n" + self.service.log())


class FullDisk(campaign.Campaign):
    """The state folder on a disk of 4 MiB."""

    def setUp(self):
        super().setUp()
        self.service.end()
        state = self.service.state
        os.rename(state, state + ".made")
        os.mkdir(state, 0o700)
        campaign.private_root.mount("none", state, "tmpfs", 0, "size=4m,mode=700")
        self.addCleanup(self.unmount)
        subprocess.run(["cp", "-a", f"{state}.made/.", state], check=True)
        self.assertTrue(self.service.start(), self.service.log())

    def unmount(self):
        self.service.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", self.service.state], check=True)

    def fill(self, leave=0):
        """Fills the disk but for some bytes."""
        with open(f"{self.service.state}/filler", "wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
            file.truncate(max(0, os.path.getsize(file.name) - leave))

    def test_a_full_disk_denies_or_accepts_rightly_and_room_heals(self):
        doors = itertools.cycle(DOORS)
        for leave in range(0, scarce(5, 60) * 4096, 4096):
            self.fill(leave)
            denied = 0
            for number in range(12):
                person = self.everybody()[number % 3]
                if not person.log_in(next(doors)):
                    denied += 1
            faults["logins on a full disk"] += 12
            os.unlink(f"{self.service.state}/filler")
            self.check_all()
            if leave % (5 * 4096) == 0:
                self.restart(signal.SIGTERM)  # without a quiet moment the log grows over the disk
        self.restart()
        self.check_all()

    def test_a_full_disk_at_the_start(self):
        for leave in (0, 4096, 65536):
            self.service.end(signal.SIGKILL)
            self.fill(leave)
            faults["starts on a full disk"] += 1
            if self.service.start():
                self.ada.log_in("ssh")
                self.service.end(signal.SIGKILL)
            os.unlink(f"{self.service.state}/filler")
            self.assertTrue(self.service.start(), self.service.log())
            self.check_all()

    def remount(self, mode):
        subprocess.run(["mount", "-o", f"remount,{mode}", self.service.state], check=True)

    def test_a_disk_that_becomes_read_only(self):
        """A file that is open for writing keeps a tmpfs from becoming read-only; so it is made so
        beneath a service that starts, as after a crash of the machine."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.service.end(number)
            self.remount("ro")
            faults["starts on a read-only disk"] += 1
            if self.service.start():
                self.assertFalse(self.ada.log_in("ssh"))
                self.service.end(signal.SIGKILL)
            else:
                self.assertIn("Read-only file system", self.service.log())
            self.remount("rw")
            self.assertTrue(self.service.start(), self.service.log())
            self.check_all()


if __name__ == "__main__":
    campaign.main()

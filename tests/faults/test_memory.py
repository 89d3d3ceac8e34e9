# SPDX-License-Identifier: Apache-2.0
"""sparekeyd without memory and without descriptors: it answers with an error or rightly, serves on or
ends, and serves again; nothing heard is lost."""

import itertools
import mmap
import os
import resource
import socket
import struct

import campaign
from campaign import AUTH_ERR, BUILD, DOORS, faults, scarce

SHIM = f"{BUILD}/tests/support/libfailing_memory.so"


class Memory(campaign.Campaign):
    """With an allocator that fails when it is told to (tests/support/failing_memory.h)."""

    answers_get_lost = True

    def setUp(self):
        super().setUp()
        path = f"{self.service.folder}/memory"
        with open(path, "wb") as file:
            file.write(bytes(24))
        with open(path, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), 24)
        self.addCleanup(self.control.close)
        self.environment = {"LD_PRELOAD": SHIM, "FAILING_MEMORY": path}
        self.service.end()
        self.assertTrue(self.service.start(environment=self.environment))
        with open(f"/proc/{self.service.child.pid}/maps") as maps:
            self.assertIn("libfailing_memory", maps.read())

    def fail_at(self, until, length):
        self.control[0:24] = struct.pack("qqq", 0, length, 0)
        self.control[0:8] = struct.pack("q", until)
        self.service.hurry = True

    def heal(self):
        """How many allocations failed."""
        self.control[0:8] = struct.pack("q", 0)
        self.service.hurry = False
        failed = struct.unpack("q", self.control[16:24])[0]
        faults["failed allocation of sparekeyd"] += failed
        return failed

    def serve_again(self):
        """By itself where it lives, else as systemd would start it."""
        try:
            self.service.call("GET", "/v1/health", seconds=10)
            return
        except TimeoutError:
            self.fail("sparekeyd hangs:\n" + self.service.log())
        except OSError:  # it is about to end
            status = self.service.child.wait(10)
        self.assertEqual(status, 1, self.service.log())  # not by a signal
        faults["(of these: sparekeyd ended)"] += 1
        self.assertTrue(self.service.start(environment=self.environment), self.service.log())

    def test_the_nth_allocation_of_a_login_fails(self):
        doors = itertools.cycle(DOORS)
        people = itertools.cycle(self.everybody())
        for length in (1, 3):
            missed = 0
            for at in range(1, 501, scarce(16, 1)):
                person = next(people)
                self.fail_at(at, length)
                if at % 7 == 0 and person.failures < 3:
                    person.fail(next(doors))
                else:
                    person.log_in(next(doors))
                missed = 0 if self.heal() else missed + 1
                self.serve_again()
                person.check(next(doors))
                if missed > 2:
                    break
        self.restart()
        self.check_all()

    def test_memory_is_gone_for_a_while(self):
        """Every allocation fails, from the n-th of a login on."""
        doors = itertools.cycle(DOORS)
        for at in range(1, scarce(60, 300), scarce(15, 3)):
            self.fail_at(at, 10**9)
            self.ada.log_in(next(doors))
            self.heal()
            self.serve_again()
            self.ada.check(next(doors))
        self.check_all()

    def test_the_nth_allocation_of_a_recovery_fails(self):
        for at in range(1, 500, scarce(80, 5)):
            person = campaign.Person(self.service, f"user{at}")
            self.fail_at(at, 1)
            code = self.service.log_in("ssh", person.name, "recover", *person.sheet[:2])
            self.heal()
            self.serve_again()
            self.assertIn(code, (campaign.SUCCESS, campaign.UNAVAILABLE))
            left = self.service.must("GET", f"/v1/accounts/{person.name}")["codes_left"]
            self.assertIn(left, (2,) if code == campaign.SUCCESS else (2, 4))
            again = self.service.log_in("ssh", person.name, "recover", *person.sheet[:2])
            self.assertEqual(again, campaign.SUCCESS if left == 4 else AUTH_ERR)

    def test_the_nth_allocation_of_the_start_fails(self):
        for at in range(1, scarce(400, 6000), scarce(41, 13)):
            self.service.end()
            self.fail_at(at, 1)
            served = self.service.start(environment=self.environment)
            self.heal()
            if not served:
                self.assertIn(self.service.child.returncode, (1, 2), self.service.log())
                self.assertTrue(self.service.start(environment=self.environment))
            self.ada.check("ssh")
        self.check_all()


class Limits(campaign.Campaign):
    answers_get_lost = True

    def limit(self, kind, soft):
        hard = resource.prlimit(self.service.child.pid, kind)[1]
        resource.prlimit(self.service.child.pid, kind, (soft, hard))

    def test_no_descriptors_are_left(self):
        doors = itertools.cycle(DOORS)
        whole = resource.prlimit(self.service.child.pid, resource.RLIMIT_NOFILE)[0]
        for free in range(0, 8):
            self.limit(resource.RLIMIT_NOFILE, self.next_descriptor() + free)
            for _ in range(scarce(3, 20)):
                self.ada.log_in(next(doors))
                faults["login without descriptors"] += 1
            self.assertTrue(self.service.is_running(), self.service.log())
            self.limit(resource.RLIMIT_NOFILE, whole)
            self.ada.check(next(doors))
        before = self.next_descriptor()
        self.check_all()
        self.assertLessEqual(self.next_descriptor(), before + 2)

    def next_descriptor(self):
        taken = {int(name) for name in os.listdir(f"/proc/{self.service.child.pid}/fd")}
        return next(number for number in itertools.count() if number not in taken)

    def test_strangers_hold_all_descriptors(self):
        """Idle connections on api.sock, as anybody may open them, up to the limit."""
        whole = resource.prlimit(self.service.child.pid, resource.RLIMIT_NOFILE)[0]
        self.limit(resource.RLIMIT_NOFILE, 64)
        idle = []
        for _ in range(120):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(1)
            try:
                connection.connect(f"{self.service.folder}/api.sock")
                idle.append(connection)
            except OSError:
                break
        faults["connections of strangers"] += len(idle)
        for door in DOORS * scarce(1, 5):
            self.ada.log_in(door)
        for connection in idle:
            connection.close()
        self.limit(resource.RLIMIT_NOFILE, whole)
        self.check_all()

    def test_the_address_space_is_full(self):
        self.service.must("PATCH", "/v1/settings", {"backup_codes.max_attempts": "100"})
        doors = itertools.cycle(DOORS)
        whole = resource.prlimit(self.service.child.pid, resource.RLIMIT_AS)[0]
        for spare in range(0, scarce(8, 64)):
            with open(f"/proc/{self.service.child.pid}/statm") as statm:
                size = int(statm.read().split()[0]) * resource.getpagesize()
            self.limit(resource.RLIMIT_AS, size + spare * 8192)
            for _ in range(scarce(4, 10)):
                self.ada.log_in(next(doors))
                faults["login without address space"] += 1
            code = self.service.log_in("ssh", "bob", "recover", "0000-0000-0000-0000",
                                       "1111-1111-1111-1111")  # Argon2 wants 19 MiB
            self.assertIn(code, (campaign.AUTH_ERR, campaign.UNAVAILABLE))
            if self.service.is_running():
                self.limit(resource.RLIMIT_AS, whole)
            else:
                self.restart()
            self.ada.check(next(doors))
        self.restart()
        self.check_all()


if __name__ == "__main__":
    campaign.main()

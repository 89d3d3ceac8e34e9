# SPDX-License-Identifier: Apache-2.0
"""scripts/run as a person uses it, on the machine itself: it works, and leaves nothing behind."""

import glob
import json
import os
import re
import signal
import socket
import subprocess
import sys
import unittest
import uuid

import pexpect

import e2e
import plain_trial
import private_root
import sandbox

RUN = os.path.join(e2e.ROOT, "scripts/run")
BUILD = os.environ.get("SPAREKEY_BUILD", "")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def processes_with(mark):
    """Every process of the machine, in whatever namespace, that descends from a marked one."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in read(f"/proc/{pid}/environ"):
                found.append(read(f"/proc/{pid}/cmdline").replace(b"\0", b" "))
        except OSError:
            pass
    return found


def machine():
    """What a trial must not change."""
    state = {path: read(path) for path in ("/etc/passwd", "/etc/shadow", "/etc/group",
                                           "/proc/self/mounts")}
    for folder in ("/etc", "/etc/pam.d", "/home", "/run", "/var/lib", "/var/mail", "/root",
                   e2e.ROOT, os.path.join(e2e.ROOT, "scripts/lib")):
        state[folder] = sorted(os.listdir(folder)) if os.path.isdir(folder) else None
    state["state folders"] = glob.glob("/tmp/sparekey-trial-*")
    return state


class Run(unittest.TestCase):

    def setUp(self):
        self.port = str(free_port())
        self.mark = f"SPAREKEY_TEST_MARK={uuid.uuid4()}"
        self.environment = {**os.environ, "SPAREKEY_TEST_MARK": self.mark.split("=")[1]}
        self.before = machine()

    def assert_nothing_left(self):
        sandbox.wait_until(lambda: not processes_with(self.mark), "its processes end", 5)
        # A process that is ending has no environment any more while it still has its sockets.
        sandbox.wait_until(lambda: not sandbox.answers(int(self.port)), "nobody answers", 5)
        self.assertEqual(machine(), self.before)

    def start(self):
        """A trial on a terminal; returns it with the passwords that it printed."""
        child = pexpect.spawn(RUN, ["--build", BUILD, "--port", self.port], encoding="utf-8",
                              env=self.environment, timeout=60, echo=False)
        self.addCleanup(child.close, force=True)
        child.expect("Events:")
        return child, dict(re.findall(r"^ +(ada|bob) +(\S+)", child.before, re.M))

    def in_trial(self, *command):
        return subprocess.run([RUN, "shell", "--port", self.port, *command], text=True, check=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=30).stdout

    def log_in(self, name, password, code):
        child = pexpect.spawn(RUN, ["ssh", "--port", self.port, name], encoding="utf-8", timeout=20,
                              echo=False)
        child.delaybeforesend = None
        child.expect("assword: ?$")
        child.sendline(password)
        child.expect("code.*: ?$")
        child.sendline(code)
        child.expect(r"\$ ?$")
        child.sendline("exit")
        child.expect(pexpect.EOF)

    def test_what_it_prints_is_enough_to_log_in_and_ctrl_c_leaves_nothing(self):
        trial, passwords = self.start()
        self.assertIn("console.allow = root", trial.before)
        made = json.loads(self.in_trial("sparekey", "--json", "user", "enroll", "ada",
                                        "--no-confirm"))
        self.log_in("ada", passwords["ada"], plain_trial.totp(made["secret"]))
        trial.expect(r"login .*ada.*door=ssh")  # the live events
        self.assertEqual(self.in_trial("id", "-Gn", "ada").split(), ["ada", "sudo"])
        trial.sendintr()
        trial.expect(pexpect.EOF)
        trial.close()
        self.assertEqual(trial.exitstatus, 0, trial.before)
        self.assert_nothing_left()

    def test_sigterm_leaves_nothing(self):
        trial, _ = self.start()
        trial.kill(signal.SIGTERM)
        trial.expect(pexpect.EOF)
        self.assert_nothing_left()

    def test_even_sigkill_leaves_nothing(self):
        trial, _ = self.start()
        trial.kill(signal.SIGKILL)
        trial.expect(pexpect.EOF)
        self.assert_nothing_left()

    def test_a_taken_port_is_told_with_the_way_to_another(self):
        with socket.create_server(("127.0.0.1", int(self.port))):
            done = subprocess.run([RUN, "--build", BUILD, "--port", self.port], text=True,
                                  capture_output=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--port", done.stderr)

    def test_the_self_test_passes_and_leaves_nothing(self):
        done = subprocess.run([RUN, "--build", BUILD, "--port", self.port, "--self-test"],
                              env=self.environment, text=True, capture_output=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_nothing_left()

    def test_without_root_the_service_and_a_login_through_libpam_work(self):
        done = subprocess.run([sys.executable, "-B", os.path.join(e2e.ROOT, "tests/e2e",
                                                                  "in_private_root.py"),
                               "nobody", RUN, "--build", BUILD, "--self-test"],
                              env=self.environment | {"LOGNAME": "root", "USER": "root"},
                              text=True, capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("this needs root", done.stdout)
        self.assertIn("accepted", done.stdout)

    def test_as_root_without_namespaces_the_same_works(self):
        done = subprocess.run([RUN, "--build", BUILD, "--plain", "--self-test"],
                              env=self.environment, text=True, capture_output=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_nothing_left()


if __name__ == "__main__":
    reason = private_root.missing_rights()
    if reason:
        sys.exit(f"end-to-end tests cannot run: {reason}")
    unittest.main(verbosity=2)

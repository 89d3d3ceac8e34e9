# SPDX-License-Identifier: Apache-2.0
"""What the fault campaigns share: a real sparekeyd in a folder of its own, logins through the real
libpam and module, a ledger of everything that somebody heard, and the count of faults.

A login heard is in the ledger. After every fault the ledger must hold: no code that was heard as
accepted is accepted again, every wrong code that was heard as wrong is counted, and a code that was
answered with an error is still good. Where a fault can also take an answer on its way (memory,
descriptors), what was not heard may have happened, but only once.
"""

import base64
import collections
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ["SPAREKEY_BUILD"]
LONG = os.environ.get("SPAREKEY_LONG") == "1"
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
import private_root  # noqa: E402  pylint: disable=wrong-import-position

SPAREKEYD, SPAREKEY = f"{BUILD}/service/sparekeyd", f"{BUILD}/cli/sparekey"
DRIVER, MODULE = f"{BUILD}/tests/pam/pam_driver", f"{BUILD}/pam/pam_sparekey.so"
FIRST_FACTOR = f"{BUILD}/tests/support/pam_test_first_factor.so"
DOORS = ("ssh", "web", "other")
TIMEOUT = 3  # of the module
SLOW = 20 if LONG else 15  # how long a login may take where the machine is loaded

SUCCESS, AUTH_ERR, UNAVAILABLE = 0, 7, 9
# What may leave the module (docs/architecture.md); the first factor is always there.
LISTED = {SUCCESS, 6, AUTH_ERR, UNAVAILABLE, 11}

faults = collections.Counter()


def scarce(few, many):
    """How many of something: in a usual run, in a long one."""
    return many if LONG else few


def hotp(secret, counter):
    """RFC 4226 with SHA-1, six digits; written again so that tests do not trust what they test."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, seconds):
        super().__init__("localhost", timeout=seconds)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Service:
    """sparekeyd with a key and a store of its own; enrols HOTP accounts."""

    def __init__(self, folder, config=""):
        self.folder, self.state = folder, f"{folder}/state"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.config = f"{folder}/conf"
        with open(self.config, "w") as file:
            file.write(f"accounts = any\nmaster_key = {folder}/master.key\n"
                       f"[console]\nallow = root\n{config}")
        self.options = ["--config", self.config, "--state-dir", self.state,
                        "--socket", f"{folder}/api.sock"]
        self.child = None
        self.services = f"{folder}/pam.d"
        os.makedirs(self.services, exist_ok=True)
        self.hurry = False  # logins wait a second only: for faults that lose answers
        for door in DOORS:
            options = f"door={door} socket={folder}/pam.sock"
            self.write_service(f"at-{door}", f"{options} timeout={TIMEOUT}")
            self.write_service(f"hurry-{door}", f"{options} timeout=1")
        with open(f"{self.services}/other", "w") as file:
            file.write("auth required pam_deny.so\naccount required pam_deny.so\n")

    def write_service(self, name, options):
        with open(f"{self.services}/{name}", "w") as file:
            file.write(f"auth requisite {FIRST_FACTOR} password=pw\n"
                       f"auth required {MODULE} {options}\n"
                       f"account required pam_permit.so\naccount required {MODULE} {options}\n")

    def init(self):
        subprocess.run([SPAREKEY, *self.options, "init"], check=True, capture_output=True,
                       timeout=60)

    def start(self, wrapper=(), environment=None, preexec=None, seconds=60):
        """Starts it; whether it serves (False: it ended)."""
        address = f"{self.folder}/notify"
        if os.path.exists(address):
            os.unlink(address)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, \
                open(f"{self.folder}/log", "ab") as log:
            ready.bind(address)
            ready.settimeout(0.1)
            self.child = subprocess.Popen(
                [*wrapper, SPAREKEYD, *self.options], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=preexec,
                env={**os.environ, "NOTIFY_SOCKET": address, **(environment or {})})
            end = time.monotonic() + seconds
            while time.monotonic() < end and self.child.poll() is None:
                try:
                    if b"READY=1" in ready.recv(4096):
                        return True
                except TimeoutError:
                    pass
            if self.child.poll() is None:
                raise AssertionError("sparekeyd neither serves nor ends:\n" + self.log())
        return False

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def end(self, number=signal.SIGTERM, seconds=30):
        """Ends it; its exit status."""
        if not self.child:
            return None
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError("sparekeyd hangs at its end:\n" + self.log()) from None

    def log(self, lines=20):
        with open(f"{self.folder}/log", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def call(self, method, target, body=None, seconds=60):
        """Status and JSON value of one request on api.sock."""
        connection = UnixConnection(f"{self.folder}/api.sock", seconds)
        try:
            connection.request(method, target, None if body is None else json.dumps(body))
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def must(self, method, target, body=None):
        status, value = self.call(method, target, body)
        assert status < 300, f"{method} {target}: {status} {value}\n{self.log()}"
        return value

    def log_in(self, door, name, *answers):
        """A login in a process of its own, as sshd's child: auth, then account."""
        place = f"{'hurry' if self.hurry else 'at'}-{door}"
        command = [DRIVER, self.services, place, name, *(f"answer={text}" for text in answers),
                   "auth", "account"]
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        seconds = time.monotonic() - begin
        assert done.returncode == 0, f"the host process ended with {done.returncode}: {done.stderr}"
        codes = {key: int(code) for key, code in re.findall(r"^(\w+)=(\d+)$", done.stdout, re.M)}
        assert codes["auth"] in LISTED and codes["account"] in LISTED | {25}, codes
        assert seconds < SLOW, f"a login took {seconds:.1f} s"
        return codes["auth"] if codes["auth"] != SUCCESS else codes["account"]


class Person:
    """A HOTP account, and what was heard about it."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        made = service.must("POST", f"/v1/accounts/{name}/enrolment",
                            {"confirm": False, "type": "hotp"})
        self.secret, self.sheet = made["secret"], made["backup_codes"]
        self.next = 0  # the counter of the next code
        self.heard = None  # the last accepted code
        self.failures = 0  # heard, in a row
        self.unheard = None  # failures that may have been counted too; None: no answer gets lost
        self.in_doubt = False  # whether the next code may be spent

    def code(self):
        return hotp(self.secret, self.next)

    def wrong_code(self):
        near = {hotp(self.secret, counter) for counter in range(max(0, self.next - 3), self.next + 12)}
        return next(code for code in map("{:06}".format, range(100)) if code not in near)

    def log_in(self, door):
        """One right code. True: accepted. False: could not be decided, so that the code is still
        good. Anything else fails the test."""
        code = self.service.log_in(door, self.name, self.code())
        if code == SUCCESS:
            self.spend(0)
            return True
        if code == AUTH_ERR and self.in_doubt:
            self.spend(self.failures)
            return self.log_in(door)
        assert code == UNAVAILABLE, f"{self.name}: a right code is denied as wrong ({code}):\n" + \
            self.service.log()
        self.in_doubt = self.unheard is not None
        return False

    def spend(self, failures):
        self.heard, self.next, self.in_doubt = self.code(), self.next + 1, False
        self.failures = failures
        if self.unheard is not None:
            self.unheard = 0

    def fail(self, door):
        """One wrong code: never accepted, and counted where it was heard to be wrong."""
        code = self.service.log_in(door, self.name, self.wrong_code())
        assert code in (AUTH_ERR, UNAVAILABLE), f"a wrong code gives {code}"
        if code == AUTH_ERR:
            self.failures += 1
        elif self.unheard is not None:
            self.unheard += 1
        return code == AUTH_ERR

    def replay(self, door):
        """The last accepted code again: never accepted; not counted."""
        if self.heard is None:
            return
        code = self.service.log_in(door, self.name, self.heard)
        assert code in (AUTH_ERR, UNAVAILABLE), f"{self.name}: a spent code gives {code}:\n" + \
            self.service.log()

    def check(self, door):
        """Everything heard is so, and the way in is open."""
        self.replay(door)
        shown = self.service.must("GET", f"/v1/accounts/{self.name}")
        at_most = self.failures + (self.unheard or 0)
        assert self.in_doubt or self.failures <= shown["otp_failures"] <= at_most, \
            f"{self.name}: {shown['otp_failures']} failures, {self.failures} heard"
        assert self.log_in(door), f"{self.name} is still denied:\n" + self.service.log()


class Campaign(unittest.TestCase):
    """A new service for every test."""

    config = ""
    answers_get_lost = False

    def setUp(self):
        folder = f"/tmp/faults-{self.id().rpartition('.')[2]}"
        shutil.rmtree(folder, ignore_errors=True)
        self.addCleanup(shutil.rmtree, folder, True)
        self.service = Service(folder, self.config)
        self.addCleanup(self.service.end, signal.SIGKILL)
        self.service.init()
        self.assertTrue(self.service.start())
        # Each code of a sheet costs an Argon2id.
        self.service.must("PATCH", "/v1/settings",
                          {"backup_codes.count": "4", "backup_codes.low": "2"})
        self.ada, self.bob, self.eve = (Person(self.service, name) for name in ("ada", "bob", "eve"))
        for person in self.everybody():
            person.unheard = 0 if self.answers_get_lost else None

    def everybody(self):
        return (self.ada, self.bob, self.eve)

    def check_all(self):
        for person, door in zip(self.everybody(), DOORS):
            person.check(door)

    def restart(self, number=signal.SIGKILL):
        self.service.end(number)
        self.assertTrue(self.service.start(), self.service.log())


def main():
    """Runs the tests of the calling file inside a private root, and prints the faults."""
    reason = private_root.missing_rights()
    if reason:
        sys.exit(f"fault campaigns cannot run: {reason}\n(scripts/test --without-e2e leaves them out)")
    private_root.enter(keep=sorted({ROOT, BUILD}))
    program = unittest.main(verbosity=2, exit=False)
    for kind, count in sorted(faults.items()):
        print(f"{count:6} {kind}")
    injected = sum(count for kind, count in faults.items() if not kind.startswith("("))
    print(f"{injected:6} faults injected")
    sys.exit(not program.result.wasSuccessful())

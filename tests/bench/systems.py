# SPDX-License-Identifier: Apache-2.0
"""The systems that are compared, each with its accounts and its PAM service."""

import glob
import http.client
import json
import mmap
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from private_machine import FIRST_UID

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_PATIENCE = 60  # seconds
DIGITS = 8           # of the codes of sparekey's accounts: population.h
TOTP_STEPS = 61      # seconds after which a code is of another step, and no neighbour's


class Bench:
    """The build tree whose programs run, and the folder in which they work."""

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.fill_program = f"{build}/tests/bench/bench_fill"
        self.module = self.as_installed(f"{build}/pam/pam_sparekey.so")

    def fill(self, *words):
        subprocess.run([self.fill_program, *map(str, words)], check=True)

    def as_installed(self, path):
        """A copy of a module as a package would put it on the disk: stripped, written in one go."""
        name = os.path.basename(path)
        os.makedirs(f"{self.folder}/modules", exist_ok=True)
        subprocess.run(["strip", "--strip-unneeded", "-o", f"{self.folder}/stripped", path],
                       check=True)
        shutil.copyfile(f"{self.folder}/stripped", f"{self.folder}/modules/{name}")
        return f"{self.folder}/modules/{name}"

    def peer_module(self, package):
        """A peer's module: installed, or unpacked from its package."""
        name = {"libpam-oath": "pam_oath.so",
                "libpam-google-authenticator": "pam_google_authenticator.so"}[package]
        for place in (f"{ROOT}/build/packages/{package}", ""):
            found = glob.glob(f"{place}/lib/*/security/{name}") + \
                glob.glob(f"{place}/usr/lib/*/security/{name}")
            if found:
                return found[0]
        raise FileNotFoundError(f"{name}: unpack {package} (scripts/bench does)")


def write_services(folder, **services):
    """A folder for pam_start_confdir."""
    os.makedirs(folder, exist_ok=True)
    services.setdefault("floor", "auth required pam_permit.so")
    services.setdefault("other", "auth required pam_deny.so")
    for name, lines in services.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(lines + "\n")


def memory_kib(pid, name):
    """One line of /proc/PID/status: VmRSS, VmHWM. 0: it has ended."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


class Floor:
    """pam_permit: what libpam itself costs; with `append`, and one durable append of 4 KiB."""
    capacity = sys.maxsize  # logins before renew()

    def __init__(self, bench, append=False):
        self.folder = f"{bench.folder}/{'append' if append else 'permit'}"
        write_services(f"{self.folder}/pam", sshd="auth required pam_permit.so")
        self.append = append

    def options(self, _count, **_wishes):
        more = {"append": self.folder} if self.append else {}
        return {"confdir": f"{self.folder}/pam", **more}

    def renew(self):
        pass


class BareService:
    """A module and a service behind it that do little more than keep what they say on the disk:
    bare_module.cc, bare_service.cc."""
    capacity = sys.maxsize

    def __init__(self, bench):
        self.folder = f"{bench.folder}/bare"
        place = f"{self.folder}/socket"
        module = f"{bench.build}/tests/bench/pam_bare.so"
        write_services(f"{self.folder}/pam",
                       sshd=f"auth required {bench.as_installed(module)} {place}")
        self.process = subprocess.Popen(
            [f"{bench.build}/tests/bench/bench_bare", place, f"{self.folder}/file"])
        give_up = time.monotonic() + START_PATIENCE
        while not self._answers(place):
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.end()
                raise RuntimeError("bench_bare does not start")
            time.sleep(0.001)

    @staticmethod
    def _answers(place):
        with socket.socket(socket.AF_UNIX) as caller:
            return caller.connect_ex(place) == 0

    def options(self, _count, **_wishes):
        return {"confdir": f"{self.folder}/pam"}

    def renew(self):
        pass

    def end(self):
        self.process.kill()
        self.process.wait()


class PeerOath:
    """pam_oath with one users' file."""
    capacity = property(lambda self: self.accounts)

    def __init__(self, bench, accounts, kind="totp", label=""):
        self.bench, self.accounts, self.kind = bench, accounts, kind
        self.folder = f"{bench.folder}/oath-{kind}-{accounts}{label}"
        os.makedirs(self.folder, exist_ok=True)
        write_services(
            f"{self.folder}/pam",
            sshd=f"auth required {bench.peer_module('libpam-oath')} "
                 f"usersfile={self.folder}/users window=3 digits=6")
        self.used = 0
        self.renew()

    def renew(self):
        """As on the first day; also without the lock that a killed login leaves."""
        for path in glob.glob(f"{self.folder}/users*"):
            os.unlink(path)
        self.bench.fill("oath", f"{self.folder}/users", self.accounts, self.kind)
        self.used = 0

    def options(self, count, **_wishes):
        first, self.used = self.used, self.used + count
        return {"confdir": f"{self.folder}/pam", "accounts": self.accounts, "first": first,
                "counter": self.kind == "hotp"}


class PeerGoogle(PeerOath):
    """pam_google_authenticator with a file for each user, as its own tool writes it: it takes three
    logins in 30 s, and codes of a step before and after now's. Two of them are used."""
    capacity = property(lambda self: 2 * self.accounts if self.kind == "totp" else self.accounts)

    def __init__(self, bench, accounts, kind="totp", label=""):  # pylint: disable=super-init-not-called
        self.bench, self.accounts, self.kind = bench, accounts, kind
        self.folder = f"{bench.folder}/google-{kind}-{accounts}{label}"
        os.makedirs(self.folder, exist_ok=True)
        write_services(
            f"{self.folder}/pam",
            sshd=f"auth required {bench.peer_module('libpam-google-authenticator')} "
                 f"user=root secret={self.folder}/users/${{USER}}")
        self.used = 0
        self.renew()

    def renew(self):
        shutil.rmtree(f"{self.folder}/users", ignore_errors=True)
        self.bench.fill("google", f"{self.folder}/users", self.accounts, self.kind)
        self.used = 0

    def options(self, count, **wishes):
        return {**super().options(count, **wishes), "counter_base": 1, "ahead": 1}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def unit_environment():
    """What sparekeyd's systemd unit sets."""
    with open(f"{ROOT}/packaging/sparekeyd.service.in") as file:
        return dict(re.findall(r"^Environment=(\w+)=(.*)$", file.read(), re.M))


class Sparekey:
    """A real sparekeyd with a store of its own. Even accounts have TOTP, odd ones HOTP. `names`: any,
    or nss for users of the private /etc/passwd."""
    capacity = sys.maxsize

    def __init__(self, bench, accounts, name, preload=None, names="any", events=0):
        self.bench, self.accounts = bench, accounts
        self.folder = f"{bench.folder}/sparekey-{name}"
        self.state = f"{self.folder}/state"
        self.preload = preload or {}
        self.process = None
        self.used = {"totp": 0, "hotp": 0}
        self.pass_began = time.monotonic()
        os.makedirs(self.folder, exist_ok=True)
        with open(f"{self.folder}/conf", "w") as file:
            file.write(f"accounts = {names}\nmaster_key = {self.folder}/master.key\n")
        begin = time.monotonic()
        bench.fill("sparekey", self.state, f"{self.folder}/master.key", accounts,
                   *([FIRST_UID] if names == "nss" else []))
        if events:
            bench.fill("events", self.state, f"{self.folder}/master.key", accounts, events)
        self.fill_seconds = time.monotonic() - begin
        self.bytes_filled = os.path.getsize(f"{self.state}/sparekey.db")
        module = (f"required {bench.module} socket={self.state}/pam.sock config={self.folder}/conf "
                  "timeout=30 first_factor=none")
        # Each line costs libpam something, whether it is used or not: one, as the others have.
        ask_first = f"auth {module} ask_first"
        phases = f"account {module}\nsession optional {module.split(' ', 1)[1]}"
        write_services(f"{self.folder}/pam", sshd=ask_first, asked=f"auth {module} door=ssh",
                       phases=f"{ask_first}\n{phases}")

    def start(self):
        """Milliseconds from its start to its first answer."""
        environment = {**os.environ, **unit_environment(), **self.preload}
        with open(f"{self.folder}/log", "a") as log:
            begin = time.monotonic()
            self.process = subprocess.Popen(
                [f"{self.bench.build}/service/sparekeyd", "--config", f"{self.folder}/conf",
                 "--state-dir", self.state], stderr=log, stdout=log, env=environment)
        while True:
            try:
                self.call("GET", "/v1/health")
                return (time.monotonic() - begin) * 1000
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begin > START_PATIENCE:
                    raise RuntimeError(f"sparekeyd does not start: {self.folder}/log") from None
                time.sleep(0.0005)

    def end(self, number=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait(START_PATIENCE)
        self.process = None

    def call(self, method, target, body=None):
        connection = _UnixConnection(f"{self.state}/api.sock")
        try:
            connection.request(method, target, body and json.dumps(body),
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read() or b"null")
            if reply.status >= 300:
                raise RuntimeError(f"{method} {target}: {reply.status} {answer}")
            return answer
        finally:
            connection.close()

    def options(self, count, kind="totp", service="sshd"):
        """For `count` logins by accounts that have not logged in for longest."""
        if kind == "totp":
            self._await_fresh_steps(count)
        first, self.used[kind] = self.used[kind], self.used[kind] + count
        return {"confdir": f"{self.folder}/pam", "service": service, "accounts": self.accounts,
                "stride": 2, "offset": int(kind == "hotp"), "counter": kind == "hotp",
                "first": first, "digits": DIGITS}

    def _await_fresh_steps(self, count):
        """An account's second login needs a later step than its first."""
        all_of_kind = self.accounts // 2
        if count > all_of_kind:
            raise ValueError(f"{count} logins by {all_of_kind} accounts with TOTP")
        if self.used["totp"] % all_of_kind + count > all_of_kind:
            time.sleep(max(0.0, self.pass_began + TOTP_STEPS - time.monotonic()))
            self.used["totp"] += -self.used["totp"] % all_of_kind
            self.pass_began = time.monotonic()

    def renew(self):
        pass

    def memory_kib(self, name):
        kib = memory_kib(self.process.pid, name)
        if kib == 0:
            raise RuntimeError(f"sparekeyd has ended: {self.folder}/log")
        return kib

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")


class SyncCounter:
    """Counts, and makes slower, the syncs of a sparekeyd that is started with its environment."""

    def __init__(self, bench, name, delay_us=0):
        path = f"{bench.folder}/{name}.syncs"
        with open(path, "wb") as file:
            file.write(bytes(8))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": f"{bench.build}/tests/bench/bench_slow_disk.so",
                            "SPAREKEY_BENCH_SYNC_COUNT": path,
                            "SPAREKEY_BENCH_SYNC_DELAY": str(delay_us)}

    def read(self):
        return struct.unpack("=Q", self.memory[:])[0]

# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a sandbox, logins as a person makes them, codes, state."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

# pylint: disable=wrong-import-position
import private_root  # noqa: E402
import sandbox  # noqa: E402

PORT = 2222
ADA_UID, BOB_UID = 58101, 58102
# As many steps as the policy allows, so that many logins in a row need no waiting.
WINDOW, INTERVAL = 10, 30


def totp(secret, step, digits=6):
    """RFC 6238 with SHA-1, written again here so that the tests do not trust what they test."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


class Authenticator:
    """A phone: gives codes that were not given before, without waiting where the window allows."""

    def __init__(self, secret):
        self.secret = secret
        self.last = 0

    def code(self):
        now = int(time.time()) // INTERVAL
        # One step of margin at the old end: the clock goes on while somebody types.
        self.last = max(self.last + 1, now - WINDOW + 1)
        assert self.last <= now + WINDOW, "more codes than the window has steps"
        return totp(self.secret, self.last)

    def same_code(self):
        return totp(self.secret, self.last)

    def wrong_code(self):
        """A code that is right at no step near now."""
        now = int(time.time()) // INTERVAL
        near = {totp(self.secret, step) for step in range(now - 30, now + 31)}
        return next(code for code in (f"{n:06}" for n in range(1000)) if code not in near)


class Login:
    """How one login ended: whether the command ran, and everything the person saw."""

    def __init__(self, accepted, screen, seconds):
        self.accepted = accepted
        self.screen = screen
        self.seconds = seconds  # from the last answer to the end

    def __repr__(self):
        return f"{'accepted' if self.accepted else 'denied'} in {self.seconds:.1f} s:\n{self.screen}"


def client(program, user, key=None, extra=()):
    """The command of a stock client that reads no file of this machine."""
    methods = "publickey,keyboard-interactive" if key else "keyboard-interactive,password"
    options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=INFO",
               "NumberOfPasswordPrompts=1", "IdentitiesOnly=yes", "ConnectTimeout=20",
               f"PreferredAuthentications={methods}"] + list(extra)
    command = [program, "-F", "none", "-P" if program == "sftp" else "-p", str(PORT)]
    if key:
        command += ["-i", key]
    for option in options:
        command += ["-o", option]
    return command + [f"{user}@127.0.0.1"]


def converse(child, answers, mark, seconds=20):
    """Answers prompts in their order until the program ends; unasked ones stay unsent. A prompt
    with no answer left ends the program: nobody is there to type."""
    begin = time.monotonic()
    screen = ""
    waiting = list(answers)
    while True:
        pattern = [pexpect.EOF, pexpect.TIMEOUT, r"[^\r\n]*[:>$] ?$"]
        found = child.expect(pattern, timeout=seconds)
        screen += child.before or ""
        if found == 0:
            break
        if found == 1:
            child.close(force=True)
            raise AssertionError(f"nothing for {seconds} s after:\n{screen}")
        prompt = child.after
        screen += prompt
        if waiting and waiting[0][0].lower() in prompt.lower():
            answer = waiting.pop(0)[1]
            child.sendline(answer() if callable(answer) else answer)
            begin = time.monotonic()
        elif "code" in prompt.lower() or "password" in prompt.lower():
            break
    child.close(force=True)
    return Login(mark in screen, screen, time.monotonic() - begin)


def main():
    """Runs the tests of the calling file inside a private root."""
    reason = private_root.missing_rights()
    if reason:
        sys.exit(f"end-to-end tests cannot run: {reason}\n"
                 "(scripts/test --without-e2e leaves them out)")
    over_usr = [tree for program, package in ((sandbox.SSHD, "openssh-server"),
                                              ("/usr/sbin/cron", "cron"))
                for tree in [os.path.join(ROOT, "build/packages", package, "usr")]
                if not os.path.exists(program) and os.path.isdir(tree)]
    private_root.enter(keep=[ROOT], over_usr=over_usr)
    unittest.main(verbosity=2)


class SandboxTest(unittest.TestCase):
    """Two accounts, the administrator ada and bob, and a stock sshd; no sparekey yet."""

    pam = sandbox.PASSWORD_ONLY
    methods = "keyboard-interactive publickey,keyboard-interactive"
    sshd_options = ()

    @classmethod
    def setUpClass(cls):
        if not os.path.isdir(sandbox.LOGS):
            sandbox.prepare()
            cls.add_accounts()
        cls.sshd = None
        sandbox.set_pam("sshd", cls.pam)
        cls.restart_sshd(cls.methods)

    @classmethod
    def add_accounts(cls):
        SandboxTest.passwords = {
            "ada": sandbox.add_account("ada", ADA_UID, ["sudo"]),
            "bob": sandbox.add_account("bob", BOB_UID),
        }
        SandboxTest.key = "/run/sandbox/key"
        sandbox.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.key)
        with open(f"{cls.key}.pub") as file:
            public = file.read()
        for name, uid in (("ada", ADA_UID), ("bob", BOB_UID)):
            sandbox.write(f"/home/{name}/.ssh/authorized_keys", public, 0o600)
            for path in (f"/home/{name}/.ssh", f"/home/{name}/.ssh/authorized_keys"):
                os.chown(path, uid, uid)

    @classmethod
    def tearDownClass(cls):
        cls.sshd.stop()

    @classmethod
    def restart_sshd(cls, methods):
        if cls.sshd:
            cls.sshd.stop()
        cls.sshd = sandbox.start_sshd(PORT, ("ada", "bob", "root"), methods,
                                      *cls.sshd_options)

    def run(self, result=None):
        """Shows the services' logs after a failure; nothing else tells what happened."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for name in sorted(os.listdir(sandbox.LOGS)):
                if name.endswith(".log"):
                    with open(f"{sandbox.LOGS}/{name}", errors="replace") as log:
                        print(f"--- {name}\n{''.join(log.readlines()[-25:])}", file=sys.stderr)

    def ssh(self, user, answers, key=None, command="echo in-as-$(id -un)", extra=()):
        """Logs in as a person would, with `answers` as (part of the prompt, text) in order."""
        child = self.spawn(client("ssh", user, key, extra) + [command])
        return converse(child, answers, f"in-as-{user}")

    def sftp(self, user, answers, key=None):
        child = self.spawn(client("sftp", user, key, ()))
        return converse(child, list(answers) + [("sftp>", "bye")], "sftp>")

    @staticmethod
    def spawn(command):
        child = pexpect.spawn(command[0], command[1:], encoding="utf-8", codec_errors="replace",
                              timeout=20, echo=False)
        child.delaybeforesend = None
        return child

    def assert_accepted(self, login):
        self.assertTrue(login.accepted, login)

    def assert_denied(self, login, within=None):
        self.assertFalse(login.accepted, login)
        if within:
            self.assertLess(login.seconds, within, login)


class SparekeyTest(SandboxTest):
    """The same with sparekey in front: a new store for every test, ada and bob enrolled."""

    pam = sandbox.PASSWORD_AND_CODE
    config = ""
    _installed = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not SparekeyTest._installed:
            sandbox.install_programs(os.environ["SPAREKEY_BUILD"])
            SparekeyTest._installed = True

    def setUp(self):
        for folder in ("/etc/sparekey", "/var/lib/sparekey", "/run/sparekey"):
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs("/etc/sparekey", mode=0o755)
        sandbox.write("/etc/sparekey/sparekey.conf", self.config)
        self.addCleanup(self.end_service)
        sandbox.set_pam("sshd", self.pam)
        self.sparekey("init")
        self.service = sandbox.start_sparekeyd()
        self.sparekey("settings", "set", f"otp.window={WINDOW}", f"otp.interval={INTERVAL}")
        self.phones, self.sheets = {}, {}
        for name in ("ada", "bob"):
            self.enrol(name)

    def end_service(self):
        service = getattr(self, "service", None)
        if service:
            if service.is_running():
                service.send(signal.SIGCONT)  # a stopped one cannot end
            service.stop()

    def restart_service(self):
        self.service.stop()
        self.service = sandbox.start_sparekeyd()

    def enrol(self, name):
        made = self.sparekey("user", "enroll", name, "--no-confirm")
        self.phones[name] = Authenticator(made["secret"])
        self.sheets[name] = made["backup_codes"]
        return made

    def sparekey(self, *arguments, status=0, text=None):
        """Runs the command line as root with --json; the JSON value, or None where there is none."""
        done = subprocess.run(["sparekey", "--json", *arguments], input=text, text=True,
                              capture_output=True, timeout=30, check=False)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def account(self, name):
        return self.sparekey("user", "show", name)

    def counters(self, name):
        """Everything about an account that an attempt could change."""
        shown = self.account(name)
        return {word: shown[word] for word in ("lockout", "otp_failures", "otp_budget_left",
                                               "recovery_failures", "codes_left", "ssh_gate")}

    def password(self, name):
        return ("password", self.passwords[name])

    def login(self, name, code=None, **options):
        """Password and one-time code; the phone's next code where none is given."""
        code = self.phones[name].code() if code is None else code
        return self.ssh(name, [self.password(name), ("One-time code", code)], **options)

    def open_session(self, name, code=None):
        """A shell over ssh that stays open, as a pexpect child."""
        answers = [self.password(name), ("One-time code", code or self.phones[name].code())]
        child = self.spawn(client("ssh", name, None, ["RequestTTY=force"]) +
                           ["PS1='remote> ' exec bash --norc --noprofile"])
        for prompt, text in answers:
            child.expect(f"(?i){prompt}.*: ?$")
            child.sendline(text)
        child.expect("remote> ")
        return child

    def recover(self, name, codes, **options):
        """Password, the word recover, and backup codes."""
        answers = [self.password(name), ("One-time code", "recover")]
        answers += [(f"Backup code {n}", code) for n, code in enumerate(codes, 1)]
        return self.ssh(name, answers, **options)

    def recover_locked(self, name, codes, **options):
        """The same for a locked account, which is asked for backup codes at once."""
        answers = [self.password(name)]
        answers += [(f"Backup code {n}", code) for n, code in enumerate(codes, 1)]
        return self.ssh(name, answers, **options)

    def lock(self, name):
        """Five wrong one-time codes in a row."""
        for _ in range(5):
            self.assert_denied(self.login(name, self.phones[name].wrong_code()))

    def wrong_codes(self):
        """Two backup codes of the right form that nobody has."""
        return ["0000-0000-0000-0000", "1111-1111-1111-1111"]

    def super_lock(self, name="ada"):
        """Ten failed recoveries, by the command line since only their number matters here."""
        for _ in range(10):
            self.sparekey("recover", name, text="\n".join(self.wrong_codes()) + "\n", status=1)

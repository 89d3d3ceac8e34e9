# SPDX-License-Identifier: Apache-2.0
"""No secret in a core file, environment, argument, log, error, event, store or stray file: a life of
the system with secrets that are known, and then a search for each of them."""

import base64
import ctypes
import glob
import json
import os
import resource
import signal
import subprocess
import threading
import time
import urllib.parse

import canaries
import e2e
import sandbox
import terminal
from sink import Sink

PASSWORD = "Kanarienvogel-Passwort-7Qx"
SECRET = b"KANARI-GEHEIM-ADA-20"
CELLAR = "/run/cellar"  # working folder of what is made to crash
PTRACE_ATTACH = 16


class Watch(threading.Thread):
    """Reads arguments and environment of every process of the sandbox, over and over."""

    def __init__(self, but):
        super().__init__(daemon=True)
        self.but = but
        self.seen = set()
        self.commands = set()
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
                if path.split("/")[2] in self.but:
                    continue
                try:
                    with open(path, "rb") as file:
                        text = file.read()
                except OSError:
                    continue
                self.seen.add(text)
                if path.endswith("cmdline"):
                    self.commands.add(text.split(b"\0")[0].rsplit(b"/", 1)[-1])

    def stop(self):
        self.stopping.set()
        self.join()


def allow_core_files():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.chdir(CELLAR)


def attach(pid):
    """errno of ptrace(PTRACE_ATTACH)."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.ptrace(PTRACE_ATTACH, pid, 0, 0) != 0 else 0


class NoSecretIsLeft(e2e.SparekeyTest):
    config = "log_level = trace\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.makedirs(CELLAR, exist_ok=True)
        os.chmod(CELLAR, 0o777)
        cls.sinks = [Sink("/dev/log"), Sink("/run/systemd/journal/socket"),
                     Sink("/run/systemd/journal/stdout")]
        sandbox.set_password("ada", PASSWORD)
        cls.passwords["ada"] = PASSWORD

    def setUp(self):
        self.canaries = canaries.Canaries()
        self.begin = time.time() - 1
        self.heard = []  # (where, bytes): what somebody was told
        super().setUp()
        with open("/etc/sparekey/master.key", "rb") as key:
            self.canaries.add("master key", key.read())
        self.canaries.add("password", PASSWORD.encode())

    def enrol(self, name):
        """With a known secret; the answer alone may hold it and the sheet."""
        secret = SECRET if name == "ada" else SECRET.replace(b"ADA", b"BOB")
        made = self.sparekey("user", "enroll", name, "--no-confirm", "--secret-stdin",
                             text=base64.b32encode(secret).decode() + "\n")
        self.phones[name] = e2e.Authenticator(made["secret"])
        self.sheets[name] = made["backup_codes"]
        self.canaries.add(f"secret of {name}", secret)
        self.canaries.add(f"secret of {name}", base64.b32encode(secret))
        self.add_sheet(name, made["backup_codes"])
        return made

    def add_sheet(self, name, codes):
        for number, code in enumerate(codes, 1):
            self.canaries.add(f"backup code {number} of {name}", code.encode())

    def code(self, text, name="one-time code"):
        """A code that is about to be typed."""
        self.canaries.add(name, text.encode())
        return text

    def call(self, *command, text="", status=None):
        """A command whose output may hold no secret."""
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=30,
                              check=False, cwd=CELLAR)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        self.heard.append((" ".join(command[:3]), done.stdout + done.stderr))
        return done

    def ask(self, path, method, target, body):
        answer = sandbox.request(method, target, path, 10, body.encode())
        self.heard.append((f"the answer to {method}", answer))

    # ---- a life

    def live(self):
        phone = self.phones["ada"]
        for right in (True, False, True):
            code = self.code(phone.code() if right else phone.wrong_code())
            login = self.login("ada", code)
            self.assertEqual(login.accepted, right, login)
            self.heard.append(("the screen", login.screen.encode()))
        self.heard.append(("a replay", self.login("ada", phone.same_code()).screen.encode()))
        self.heard.append(("a recovery", self.recover("ada", self.sheets["ada"][:2]).screen.encode()))
        wrong = self.code("ZZZZ-YYYY-XXXX-WWWW", "wrong backup code")
        self.heard.append(("a failed recovery",
                           self.recover("ada", [self.sheets["ada"][2], wrong]).screen.encode()))
        self.call("sparekey", "verify", "ada", text=self.code(phone.code()) + "\n", status=0)
        self.call("sparekey", "verify", "ada", text=self.code(phone.wrong_code()) + "\n", status=1)
        # The password typed where the code belongs, and the other way round.
        self.heard.append(("the password as code", self.login("ada", PASSWORD).screen.encode()))
        self.heard.append(("the code as password", self.ssh(
            "ada", [("password", phone.same_code())]).screen.encode()))
        self.err()
        made = self.sparekey("codes", "new", "ada")
        self.add_sheet("ada (new)", made["backup_codes"])
        self.call("sparekey", "codes", "new", "bob", "--out", "/home/bob/sheet.txt", status=0)
        with open("/home/bob/sheet.txt", encoding="utf-8") as sheet:
            codes = [word for word in sheet.read().split() if len(word) == 19 and word.count("-") == 3]
        self.assertEqual(len(codes), 10)
        self.add_sheet("bob (new)", codes)
        for command in (["status"], ["user", "show", "ada"], ["user", "list"], ["events"],
                        ["codes", "status", "ada"], ["settings", "show"], ["ssh", "status"]):
            self.call("sparekey", "--json", *command, status=0)
            self.call("sparekey", *command, status=0)

    def err(self):
        """Mistakes of terminals and people, with secrets in the wrong places."""
        secret = base64.b32encode(SECRET).decode()
        backup = self.sheets["ada"][3]
        login = {"account": "ada", "door": "ssh", "first_factor": "password"}
        for body in ({**login, "answers": {"code": [backup]}}, {**login, "answers": backup},
                     {**login, "door": backup}, {**login, "first_factor": backup},
                     {**login, "answers": {"code": secret * 40}}, [backup], backup):
            self.ask(sandbox.PAM_SOCKET, "POST", "/v1/logins", json.dumps(body))
        self.ask(sandbox.PAM_SOCKET, "POST", "/v1/logins", '{"answers":{"code":"' + backup)
        for body in ({"secret": secret + "!"}, {"secret": [secret]}, {"secret": secret, "digits": 99},
                     {"code": backup}, {"code": {"x": backup}}):
            for route in ("enrolment", "enrolment/confirmation"):
                self.ask(sandbox.API_SOCKET, "POST", f"/v1/accounts/eve/{route}", json.dumps(body))
        self.call("sparekey", "user", "enroll", "bob", "--secret-stdin", text=secret + "!\n")
        self.call("sparekey", "recover", "ada", text=backup + "\n")
        self.call("sparekey", "verify", "ada", text=backup + "\n")

    # ---- the search

    def search(self, watch):
        found = []
        for where, text in self.heard:
            found += self.canaries.find(where, text)
        for sink in self.sinks:
            for text in sink.heard:
                found += self.canaries.find("syslog", text)
        for text in watch.seen:
            found += self.canaries.find("arguments or environment", text)
        files, read = self.canaries.find_in_files(
            ["/var", "/run", "/tmp", "/home", "/root", "/etc", "/dev/shm"], self.begin,
            but=("/etc/sparekey/master.key", "/home/bob/sheet.txt"))
        print(f"searched {read} files, {len(self.heard)} answers and screens, "
              f"{sum(len(sink.heard) for sink in self.sinks)} messages, {len(watch.seen)} arguments "
              f"and environments for {len(self.canaries.names)} forms of secrets")
        self.assertGreater(read, 8)  # store, log, lock, reserve, logs of the sandbox …
        return found + files

    def test_no_secret_where_none_belongs(self):
        watch = Watch({str(os.getpid()), "1"})
        self.addCleanup(watch.stop)
        self.live()
        self.crash()
        # A second life with syslog instead of standard error, where a stock system has it.
        self.service.stop()
        quiet = subprocess.Popen(["/usr/sbin/sparekeyd"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(quiet.wait)
        self.addCleanup(quiet.kill)
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers")
        self.login("bob", self.code(self.phones["bob"].code()))
        self.err()
        sandbox.wait_until(lambda: any(b"sparekeyd" in text for text in self.sinks[0].heard),
                           "sparekeyd logs to syslog")
        watch.stop()
        self.assertLessEqual({b"sparekeyd", b"sparekey", b"ssh"}, watch.commands)
        self.assertEqual(self.search(watch), [])

    def crash(self):
        """sparekeyd and the command line abort with core files allowed, in the middle of work."""
        self.service.stop()
        control = subprocess.Popen(["/usr/bin/sleep", "60"], preexec_fn=allow_core_files)
        self.assertTrue(self.abort(control), "here a crash leaves no core file: nothing is proven")
        for core in glob.glob(f"{CELLAR}/core*"):
            os.unlink(core)
        with open(f"{sandbox.LOGS}/crash.log", "ab") as log:
            daemon = subprocess.Popen(["/usr/sbin/sparekeyd"], preexec_fn=allow_core_files,
                                      stderr=log)
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers")
        self.assert_accepted(self.login("ada", self.code(self.phones["ada"].code())))
        client = subprocess.Popen(["/usr/bin/sparekey", "verify", "ada"], preexec_fn=allow_core_files,
                                  stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        client.stdin.write(self.code(self.phones["ada"].code())[:5].encode())
        client.stdin.flush()
        log_in = self.spawn(e2e.client("ssh", "ada", None, ["NumberOfPasswordPrompts=1"]) + ["id"])
        log_in.expect("(?i)password: ?$")
        log_in.sendline(PASSWORD)
        log_in.expect("One-time code: ?$")
        self.assertFalse(self.abort(client), "the command line left a core file")
        client.stdin.close()
        self.assertFalse(self.abort(daemon), "sparekeyd left a core file")
        log_in.sendline(self.code(self.phones["ada"].code()))
        log_in.expect(e2e.pexpect.EOF)
        self.heard.append(("a login as sparekeyd crashes", log_in.before.encode()))
        log_in.close(force=True)
        self.assertEqual(glob.glob(f"{CELLAR}/core*"), [])
        self.service = sandbox.start_sparekeyd()

    @staticmethod
    def abort(process):
        """Whether the kernel wrote a core file."""
        def is_itself():
            with open(f"/proc/{process.pid}/comm", encoding="utf-8") as name:
                return not name.read().startswith("python")

        sandbox.wait_until(is_itself, "exec")
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = status
        assert os.WIFSIGNALED(status)
        return os.WCOREDUMP(status)

    def test_the_search_finds_each_form_everywhere(self):
        """The control: what is planted is found."""
        for name, data in (("text", b"K7QM-9TXR-4HWD-P2VN"), ("bytes", bytes(range(200, 232)))):
            for how, form in canaries.forms(data).items():
                searched = canaries.Canaries()
                searched.add(name, data)
                os.makedirs(f"{CELLAR}/deep/er", exist_ok=True)
                with open(f"{CELLAR}/deep/er/file", "wb") as file:
                    file.write(b"x" * 5000 + form + b"y" * 10)
                found, _ = searched.find_in_files([CELLAR])
                self.assertEqual(len(found), 1, how)
        searched = canaries.Canaries()
        searched.add("code", b"918273")
        self.assertTrue(searched.find("", b"code 918273."))
        self.assertFalse(searched.find("", b"time 19182734"))
        for tail in (b"", b"a", b"ab"):
            for head in (b"", b"a", b"ab"):
                self.assertTrue(searched.find("", base64.b64encode(head + b"918273" + tail)))
        watch = Watch(set())
        child = subprocess.Popen(["/usr/bin/sleep", "60"],
                                 env={"CODE": "918273", "URL": urllib.parse.quote("a/b")})
        sandbox.wait_until(lambda: any(searched.find("", text) for text in watch.seen), "it is seen")
        child.kill()
        child.wait()
        watch.stop()
        # And in the one place where they belong: the answer of an enrolment.
        made = self.sparekey("codes", "new", "bob")
        self.add_sheet("bob", made["backup_codes"])
        self.assertEqual(len(self.canaries.find("", json.dumps(made).encode())), 10)

    def test_nobody_but_root_reads_sparekeyds_memory(self):
        pid = self.service.pid
        for kind in ("mem", "environ", "maps", "auxv", "stack", "fd", "cwd", "exe"):
            done = subprocess.run(["/usr/bin/cp", "-r", f"/proc/{pid}/{kind}", "/home/bob/stolen"],
                                  preexec_fn=lambda: terminal.become("bob"), capture_output=True,
                                  check=False)
            self.assertIn(b"Permission denied", done.stderr, kind)
        self.assertNotEqual(self.attach_as("bob", pid), 0)

    def test_not_even_its_own_user_reads_it(self):
        """A sparekeyd without root."""
        folder = "/home/bob/own"
        command = ["--state-dir", folder]
        become = lambda: terminal.become("bob")  # noqa: E731
        subprocess.run(["/usr/bin/sparekey", *command, "init"], preexec_fn=become, check=True,
                       capture_output=True)
        own = subprocess.Popen(["/usr/sbin/sparekeyd", *command], preexec_fn=become,
                               stderr=subprocess.DEVNULL)
        self.addCleanup(own.wait)
        self.addCleanup(own.kill)
        sandbox.wait_until(lambda: os.path.exists(f"{folder}/api.sock"), "sparekeyd serves")
        self.assertNotEqual(self.attach_as("bob", own.pid), 0)
        sleeper = subprocess.Popen(["/usr/bin/sleep", "60"], preexec_fn=become)
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        self.assertEqual(self.attach_as("bob", sleeper.pid), 0)  # the control

    @staticmethod
    def attach_as(user, pid):
        child = os.fork()
        if child == 0:
            terminal.become(user)
            os._exit(attach(pid) & 0xff)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    e2e.main()

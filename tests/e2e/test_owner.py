# SPDX-License-Identifier: Apache-2.0
"""An account's owner at his own command line, without root: password and code by real PAM."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import traceback
import warnings

import e2e
import sandbox

MODULE = os.path.join(os.environ.get("SPAREKEY_BUILD", ""),
                      "tests/support/pam_test_first_factor.so")
UIDS = {"ada": e2e.ADA_UID, "bob": e2e.BOB_UID}
DEADLINE = 10  # seconds that PAM has for a password


class Connection(http.client.HTTPConnection):
    """One connection to api.sock, kept."""

    def __init__(self):
        super().__init__("sparekey", timeout=30)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(sandbox.API_SOCKET)

    def post(self, path, **body):
        self.request("POST", path, json.dumps(body))
        answer = json.loads(self.getresponse().read())
        return answer.get("verdict") or answer.get("code") or answer


class Owner(e2e.SparekeyTest):

    @classmethod
    def restart_sshd(cls, methods):
        """No sshd: nobody comes from outside here."""

    @classmethod
    def tearDownClass(cls):
        pass

    def own(self, name, *arguments, answers=(), status=0):
        """Runs the command line as that user; its JSON value and what it said to people."""
        done = subprocess.run(["sparekey", "--json", *arguments], text=True, capture_output=True,
                              input="".join(f"{line}\n" for line in answers), timeout=30,
                              check=False, user=UIDS[name], group=UIDS[name], extra_groups=[])
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None, done.stderr

    def as_owner(self, name, work):
        """What work() returns in a process of that user."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                os.setgroups([])
                os.setgid(UIDS[name])
                os.setuid(UIDS[name])
                os.write(writer, json.dumps(work()).encode())
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        self.assertTrue(text, "the owner's process failed")
        return json.loads(text)

    def prove(self, connection, name, code):
        """On a connection, in a process of the owner."""
        path = f"/v1/accounts/{name}/proof"
        connection.request("POST", path, json.dumps({"password": self.passwords[name]}))
        login = json.loads(connection.getresponse().read())
        return connection.post(f"{path}/answers", login=login["login"], answers={"code": code})

    def hang(self):
        """From now on PAM never answers. The pid of the next child, once it is there."""
        sandbox.set_pam("sparekey", f"auth required {MODULE} pid=/run/sandbox/child hang\n"
                                    "account required pam_deny.so\n")
        self.addCleanup(os.unlink, "/etc/pam.d/sparekey")

    def wait_for_child(self):
        def text():
            try:
                with open("/run/sandbox/child") as file:
                    return file.read()
            except FileNotFoundError:
                return ""
        sandbox.wait_until(text, "the child runs")
        pid = int(text())
        os.unlink("/run/sandbox/child")
        return pid

    def begin_in_background(self, name):
        """A proof of that owner that hangs; its answer when the thread has ended."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            self.own(name, "codes", "new", name, answers=["any"], status=5)))
        thread.start()
        self.addCleanup(thread.join)
        return thread, answers

    def test_a_new_sheet_by_password_and_code(self):
        made, _ = self.own("ada", "codes", "new", "ada",
                           answers=[self.passwords["ada"], self.phones["ada"].code()])
        self.assertEqual(made["sheet"], 2)
        self.sparekey("recover", "ada", text="\n".join(made["backup_codes"][:2]) + "\n")
        self.assertNotIn(self.passwords["ada"], self.service.log_tail(1000))

    def test_a_new_sheet_by_password_and_backup_codes(self):
        made, _ = self.own("bob", "codes", "new", "bob",
                           answers=[self.passwords["bob"], "recover", *self.sheets["bob"][:2]])
        self.assertEqual(made["sheet"], 2)

    def test_a_wrong_password_is_denied_and_counts_nothing(self):
        before = self.counters("ada")
        error, said = self.own("ada", "codes", "new", "ada", status=1,
                               answers=[self.passwords["bob"], self.phones["ada"].code()])
        self.assertEqual(error["error"]["code"], "wrong_password")
        self.assertIn("password is wrong", said)
        self.assertEqual(self.counters("ada"), before)

    def test_a_wrong_code_is_denied_and_counts(self):
        _, said = self.own("ada", "codes", "new", "ada", status=1,
                           answers=[self.passwords["ada"], self.phones["ada"].wrong_code()])
        self.assertIn("nothing was changed", said)
        counters = self.counters("ada")
        self.assertEqual((counters["otp_failures"], counters["codes_left"]), (1, 10))

    def test_a_right_password_of_somebody_else_helps_nobody(self):
        self.own("bob", "codes", "new", "ada", status=6,
                 answers=[self.passwords["ada"], self.phones["ada"].code()])

    def test_an_account_without_a_password_proves_nothing(self):
        sandbox.run("passwd", "-d", "bob")
        self.addCleanup(sandbox.set_password, "bob", self.passwords["bob"])
        sandbox.set_pam("common-auth", "auth required pam_unix.so nodelay nullok\n")
        self.addCleanup(sandbox.set_pam, "common-auth", "auth required pam_unix.so nodelay\n")
        for password in ("", "x"):
            answer = self.as_owner("bob", lambda text=password: Connection().post(
                "/v1/accounts/bob/proof", password=text))
            self.assertEqual(answer, "deny")

    def test_a_locked_password_proves_nothing(self):
        sandbox.run("usermod", "--expiredate", "1", "bob")
        self.addCleanup(sandbox.run, "usermod", "--expiredate", "", "bob")
        self.own("bob", "codes", "new", "bob", status=1,
                 answers=[self.passwords["bob"], self.phones["bob"].code()])
        self.assertEqual(self.counters("bob")["codes_left"], 10)

    def test_an_owner_enrols_himself(self):
        self.own("bob", "user", "enroll", "bob", status=2, answers=[self.passwords["bob"],
                                                                    self.phones["bob"].code()])
        subprocess.run(["sparekey", "user", "remove", "bob", "--yes"], check=True,
                       capture_output=True)
        self.own("bob", "user", "enroll", "bob", "--no-confirm", status=6,
                 answers=[self.passwords["bob"]])
        made, _ = self.own("bob", "user", "enroll", "bob", answers=[self.passwords["bob"]])
        self.assertEqual(made["enrolment"], "pending")
        phone = e2e.Authenticator(made["secret"])
        self.own("bob", "user", "confirm", "bob", answers=[phone.code(), self.passwords["bob"]])
        self.assertEqual(self.account("bob")["enrolment"], "active")
        self.sparekey("verify", "bob", text=phone.code() + "\n")

    def test_an_administrator_who_enrols_himself_hears_of_the_way_out(self):
        for name, told in (("ada", 1), ("bob", 0)):
            subprocess.run(["sparekey", "user", "remove", name, "--yes"], check=True,
                           capture_output=True)
            _, said = self.own(name, "user", "enroll", name, answers=[self.passwords[name]])
            # No terminal of the sandbox takes logins, and nobody but root sees who has a password.
            for words in ("SSH is the only door", "Ask root to run: sparekey doctor"):
                self.assertEqual(" ".join(said.split()).count(words), told, said)

    def test_an_owner_adds_an_authenticator(self):
        made, _ = self.own("ada", "authenticator", "add", "ada", "--label", "tablet",
                           answers=[self.passwords["ada"], self.phones["ada"].code()])
        self.assertEqual(made["enrolment"], "pending")
        tablet = e2e.Authenticator(made["secret"])
        self.own("ada", "user", "confirm", "ada",
                 answers=[tablet.code(), self.passwords["ada"], self.phones["ada"].code()])
        self.assertEqual([one["label"] for one in self.account("ada")["authenticators"]],
                         ["authenticator", "tablet"])

    def test_an_owner_sees_himself_and_nobody_else(self):
        shown, _ = self.own("ada", "user", "show")
        self.assertEqual((shown["account"], shown["uid"]), ("ada", e2e.ADA_UID))
        self.own("ada", "user", "show", "bob", status=6)

    def test_another_process_of_the_uid_has_no_share_in_the_proof(self):
        code = self.phones["ada"].code()
        sheet = "/v1/accounts/ada/backup-codes"

        def work():
            proven, other = Connection(), Connection()
            told = [other.post(sheet), self.prove(proven, "ada", code), other.post(sheet)]
            child = os.fork()  # another process, another connection
            if child == 0:
                later = Connection().post(sheet)
                os._exit(0 if later == "proof_needed" else 1)
            told.append(os.waitpid(child, 0)[1])
            made = proven.post(sheet)
            proven.close()
            told += [made["sheet"], proven.post(sheet)]  # connects anew
            return told

        told = self.as_owner("ada", work)
        self.assertEqual(told, ["proof_needed", "accept", "proof_needed", 0, 2, "proof_needed"])

    def test_a_super_lockout_denies_the_proof(self):
        self.super_lock("ada")
        _, said = self.own("ada", "codes", "new", "ada", status=6,
                           answers=[self.passwords["ada"], self.phones["ada"].code()])
        self.assertIn("sparekey console", said)

    def test_a_child_that_hangs_is_bare_holds_up_nobody_and_is_killed(self):
        self.hang()
        begin = time.monotonic()
        thread, answers = self.begin_in_background("ada")
        child = self.wait_for_child()
        self.assertEqual(os.readlink(f"/proc/{child}/exe"),
                         "/usr/libexec/sparekey/sparekey-first-factor")
        files = {int(fd): os.readlink(f"/proc/{child}/fd/{fd}")
                 for fd in os.listdir(f"/proc/{child}/fd")}
        self.assertEqual([files.pop(fd) for fd in (0, 1, 2)], ["/dev/null"] * 3)
        self.assertTrue(all(name.startswith("pipe:") for name in files.values()), files)
        self.assertEqual(len(files), 1)
        facts = {}
        for name in ("environ", "cmdline", "maps"):
            with open(f"/proc/{child}/{name}", errors="replace") as file:
                facts[name] = file.read()
        self.assertEqual(facts["environ"], "PATH=/usr/sbin:/usr/bin:/sbin:/bin\0")
        self.assertEqual(facts["cmdline"], "/usr/libexec/sparekey/sparekey-first-factor\0")
        self.assertNotIn("sqlite", facts["maps"])
        with open(f"/proc/{self.service.pid}/maps") as file:
            self.assertNotIn("libpam", file.read())
        for _ in range(5):
            at = time.monotonic()
            self.sparekey("verify", "bob", text=self.phones["bob"].code() + "\n")
            self.assertLess(time.monotonic() - at, 3)
        thread.join(2 * DEADLINE)
        self.assertLess(time.monotonic() - begin, DEADLINE + 5)
        self.assertIn("in time", answers[0][1])
        sandbox.wait_until(lambda: not os.path.exists(f"/proc/{child}"), "the child is gone")

    def test_a_child_that_is_killed_is_an_error(self):
        self.hang()
        thread, answers = self.begin_in_background("ada")
        os.kill(self.wait_for_child(), signal.SIGKILL)
        thread.join(DEADLINE / 2)
        self.assertFalse(thread.is_alive())
        self.assertIn("nothing was changed" if not answers else "could not be checked",
                      answers[0][1])

    def test_no_child_outlives_the_service(self):
        self.hang()
        thread, _ = self.begin_in_background("ada")
        child = self.wait_for_child()
        self.service.stop(signal.SIGKILL)
        sandbox.wait_until(lambda: not os.path.exists(f"/proc/{child}"), "the child is gone")
        thread.join()

    def test_a_missing_service_of_pam_proves_nobody(self):
        sandbox.set_pam("sparekey", "auth required pam_no_such_module.so\n")
        self.addCleanup(os.unlink, "/etc/pam.d/sparekey")
        self.own("ada", "codes", "new", "ada", status=5,
                 answers=[self.passwords["ada"], self.phones["ada"].code()])

    def test_the_unit_leaves_the_child_what_it_needs(self):
        with open(os.path.join(e2e.ROOT, "packaging/sparekeyd.service.in")) as file:
            unit = file.read()
        granted = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).split()
        names = [name.lower().removeprefix("cap_") for name in granted]
        bounding = ",".join(["-all"] + [f"+{name}" for name in names])
        self.assertIn("NoNewPrivileges=yes", unit)
        self.service.stop()
        self.service = sandbox.Process("sparekeyd", "setpriv", "--no-new-privs",
                                       f"--bounding-set={bounding}", "/usr/sbin/sparekeyd")
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers")
        made, _ = self.own("ada", "codes", "new", "ada",
                           answers=[self.passwords["ada"], self.phones["ada"].code()])
        self.assertEqual(made["sheet"], 2)
        self.own("ada", "codes", "new", "ada", status=1,
                 answers=["wrong", self.phones["ada"].code()])


if __name__ == "__main__":
    e2e.main()

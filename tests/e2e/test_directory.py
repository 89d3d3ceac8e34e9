# SPDX-License-Identifier: Apache-2.0
"""A directory of users that does not answer: enrolled accounts log in a second later, by libpam and
the real service; nobody else is let in on its silence."""

import glob
import os
import shutil
import subprocess
import time

import e2e
import sandbox

BUILD = os.environ["SPAREKEY_BUILD"]
HANGS = "/run/directory-hangs"
LONGER = 1.0  # seconds that a silent directory may cost
MARGIN = 0.7  # of a busy machine; less than a second look-up would cost


class Directory(e2e.SparekeyTest):
    """Users come from files, then from a server (tests/support/nss_hanging.cc)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        library = os.path.dirname(glob.glob("/usr/lib/*/libc.so.6")[0])
        shutil.copy(f"{BUILD}/tests/support/libnss_hanging.so.2", library)
        sandbox.write("/etc/nsswitch.conf", "passwd: files hanging\ngroup: files hanging\n"
                                            "shadow: files\nhosts: files\n")
        os.makedirs("/run/pam.d", exist_ok=True)
        modules = (f"{BUILD}/tests/support/pam_test_first_factor.so", "pam_sparekey.so door=ssh")
        sandbox.write("/run/pam.d/login", f"auth requisite {modules[0]} password=proven\n"
                                          f"auth required {modules[1]}\n"
                                          f"account required {modules[1]}\n")

    @classmethod
    def restart_sshd(cls, methods):
        """Not needed: sshd itself would wait for the directory."""

    @classmethod
    def tearDownClass(cls):
        """No sshd to stop."""

    def setUp(self):
        self.answer_again()
        super().setUp()
        self.addCleanup(self.answer_again)

    @staticmethod
    def hang():
        sandbox.write(HANGS, "")

    @staticmethod
    def answer_again():
        if os.path.exists(HANGS):
            os.unlink(HANGS)

    @staticmethod
    def begin(name, code):
        """A login by libpam: authentication, then the account phase."""
        command = [f"{BUILD}/tests/pam/pam_driver", "/run/pam.d", "login", name, f"answer={code}",
                   "auth", "account"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def finish(self, login):
        """Whether both phases were passed, and what was shown."""
        shown = login.communicate(timeout=30)[0]
        return "auth=0\n" in shown and "account=0\n" in shown, shown

    def login(self, name, code):  # pylint: disable=arguments-differ
        start = time.monotonic()
        passed, shown = self.finish(self.begin(name, code))
        return passed, shown, time.monotonic() - start

    def log_in(self, name):
        passed, shown, seconds = self.login(name, self.phones[name].code())
        self.assertTrue(passed, shown)
        return seconds

    def test_costs_an_enrolled_account_a_second(self):
        self.enrol("remote")
        for name in ("ada", "remote"):  # of files, of the server
            usual = self.log_in(name)
            self.hang()
            silent = self.log_in(name)
            again = self.log_in(name)
            print(f"{name}: {usual:.2f} s, silent {silent:.2f} s, again {again:.2f} s")
            self.assertGreaterEqual(silent, LONGER)  # or it did not hang
            self.assertLess(silent, usual + LONGER + MARGIN)
            self.assertLess(again, usual + LONGER + MARGIN)
            self.answer_again()

    def test_costs_many_at_once_a_second(self):
        """More of them than sparekeyd has threads for the directory."""
        names = [f"user{number}" for number in range(12)]
        for number, name in enumerate(names):
            sandbox.add_account(name, 58300 + number)
            self.enrol(name)
        codes = {name: self.phones[name].code() for name in names}
        self.hang()
        start = time.monotonic()
        logins = [self.begin(name, codes[name]) for name in names]
        for login in logins:
            passed, shown = self.finish(login)
            self.assertTrue(passed, shown)
        seconds = time.monotonic() - start
        print(f"12 at once: {seconds:.2f} s")
        self.assertLess(seconds, LONGER + 3 * MARGIN)

    def test_counts_and_locks_as_ever(self):
        self.hang()
        for _ in range(5):
            self.assertFalse(self.login("bob", self.phones["bob"].wrong_code())[0])
        self.answer_again()
        self.assertEqual(self.counters("bob")["lockout"], "locked")

    def test_lets_nobody_in_who_is_not_enrolled(self):
        sandbox.run("useradd", "--no-create-home", "plain")
        passed, shown, _ = self.login("plain", "123456")
        self.assertTrue(passed, shown)  # no second factor is required of it
        self.hang()
        passed, shown, seconds = self.login("plain", "123456")
        self.assertFalse(passed, shown)
        self.assertLess(seconds, LONGER + MARGIN)
        self.answer_again()
        sandbox.wait_until(lambda: self.login("plain", "123456")[0], "the directory is asked again")


if __name__ == "__main__":
    e2e.main()

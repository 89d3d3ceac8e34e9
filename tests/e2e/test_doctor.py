# SPDX-License-Identifier: Apache-2.0
"""What doctor says of a machine is what happens there."""

import os
import signal
import sqlite3

import e2e
import sandbox

COMMON_AUTH = ("auth [success=1 default=ignore] pam_unix.so nullok nodelay\n"
               "auth requisite pam_deny.so\nauth required pam_permit.so\n")
CODE = "auth required pam_sparekey.so\n"


class Doctor(e2e.SparekeyTest):
    def setUp(self):
        super().setUp()
        self.configure_sshd("")

    def configure_sshd(self, end):
        """What sshd -T reads, as the sshd that runs was started."""
        with open("/etc/ssh/sandbox_config") as file:
            sandbox.write("/etc/ssh/sshd_config",
                          file.read().replace("PermitRootLogin yes", "PermitRootLogin no")
                          + f"AuthenticationMethods {self.methods}\n{end}")

    def examine(self, status=1):
        """{id: what was found}. No terminal of the sandbox takes logins: a problem at least."""
        told = self.sparekey("doctor", status=status)
        severities = [finding["severity"] for finding in told["findings"]]
        self.assertEqual((told["problems"], told["warnings"]),
                         (severities.count("problem"), severities.count("warning")))
        return {finding["id"]: finding["found"] for finding in told["findings"]}

    def with_auth(self, lines, account="account required pam_sparekey.so\n"):
        sandbox.set_pam("sshd", lines + account +
                        "account required pam_unix.so\nsession optional pam_sparekey.so\n")

    def test_a_machine_as_the_guide_wants_it(self):
        sandbox.set_password("root", sandbox.new_password())
        found = self.examine()
        for sound in ("service.running", "store.sound", "accounts.ready", "sshd.settings",
                      "pam.order", "files.modes", "disk.room", "way_out.administrator"):
            self.assertIn(sound, found)
        self.assertIn("way_out.no_console", found)
        self.assertIn("root", found["way_out.administrator"])

    def test_a_root_shell_may_be_the_way_out(self):
        sandbox.set_password("root", sandbox.new_password())
        sandbox.write("/etc/sparekey/sparekey.conf", "[console]\nallow = root\n")
        self.assertIn("console.allow=root", self.examine(status=0)["way_out.no_console"])

    def test_debians_own_first_factor(self):
        self.with_auth(COMMON_AUTH + CODE)
        self.assertIn("pam.order", self.examine())
        self.assert_accepted(self.login("ada"))
        self.assert_denied(self.ssh("ada", [("password", "wrong"), ("One-time code", "000000")]))
        self.assertEqual(self.counters("ada")["otp_failures"], 0)

    def test_a_password_that_passes_the_code_over(self):
        for auth in ("auth sufficient pam_unix.so nodelay\n" + CODE,
                     "auth [success=1 default=die] pam_unix.so nodelay\n" + CODE
                     + "auth required pam_permit.so\n"):
            self.with_auth(auth)
            self.assertIn("pam.code_passed_over", self.examine())
            self.assert_denied(self.ssh("ada", [self.password("ada")]))
            self.with_auth(auth, account="")
            self.assertIn("pam.no_account_line", self.examine())
            self.assert_accepted(self.ssh("ada", [self.password("ada")]))

    def test_a_denial_that_is_ignored(self):
        self.with_auth("auth requisite pam_unix.so nodelay\nauth optional pam_sparekey.so\n", "")
        self.assertIn("pam.denial_ignored", self.examine())
        self.assert_accepted(self.login("ada", self.phones["ada"].wrong_code()))

    def test_a_substack_that_does_not_end_the_login(self):
        sandbox.set_pam("first", "auth requisite pam_unix.so nodelay\n")
        self.with_auth("auth substack first\n" + CODE)
        self.assertIn("pam.first_factor_not_requisite", self.examine())
        wrong = [("password", "wrong"), ("One-time code", self.phones["ada"].wrong_code())]
        login = self.ssh("ada", wrong)
        self.assert_denied(login)
        self.assertIn("One-time code", login.screen)

    def test_an_account_line_that_an_expired_password_passes_over(self):
        sandbox.set_pam("sshd", "auth requisite pam_unix.so nodelay\n" + CODE +
                        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
                        "account requisite pam_deny.so\naccount required pam_sparekey.so\n"
                        "session optional pam_sparekey.so\n")
        self.assertIn("pam.account_passed_over", self.examine())

    def test_a_match_block(self):
        self.configure_sshd("Match User bob\n  KbdInteractiveAuthentication no\n")
        self.assertIn("bob", self.examine()["sshd.kbd_interactive"])
        self.configure_sshd("Match Group sudo\n  AuthenticationMethods publickey\n")
        found = self.examine()
        self.assertIn("ada", found["sshd.methods"])
        self.assertIn("ada", found["sshd.key_only"])

    def test_sshd_as_debian_ships_it(self):
        sandbox.write("/etc/ssh/sshd_config", "HostKey /etc/ssh/sandbox_host_key\n"
                      "KbdInteractiveAuthentication no\nUsePAM yes\n")
        found = self.examine()
        for named in ("sshd.kbd_interactive", "sshd.key_only", "sshd.password_method"):
            self.assertIn(named, found)

    def test_a_damaged_record(self):
        self.service.stop()
        store = sqlite3.connect("/var/lib/sparekey/sparekey.db")
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("UPDATE account SET flags = flags | 4 WHERE name = 'bob'")
        store.commit()
        store.close()
        by_itself = self.examine()
        self.assertIn("service.down", by_itself)
        self.service = sandbox.start_sparekeyd()
        for found in (by_itself, self.examine()):
            self.assertIn("bob", found["store.damaged"])
            self.assertNotIn("ada", found["store.damaged"])

    def test_the_store_while_the_service_is_down(self):
        folder = "/var/lib/sparekey"
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.service.stop(number)
            os.unlink(f"{folder}/reserve")
            before = {name: os.stat(f"{folder}/{name}") for name in os.listdir(folder)}
            found = self.examine()
            self.assertIn("store.sound", found)
            self.assertIn("files.reserve", found)
            self.assertIn("2 accounts", found["accounts.ready"])
            after = {name: os.stat(f"{folder}/{name}") for name in os.listdir(folder)}
            self.assertEqual(after.keys(), before.keys())
            for name, info in before.items():
                self.assertEqual((after[name].st_size, after[name].st_mtime_ns),
                                 (info.st_size, info.st_mtime_ns), name)
            self.service = sandbox.start_sparekeyd()
            self.assertIn("files.modes", self.examine())  # it made a reserve
        self.assert_accepted(self.login("ada"))

    def test_lockouts_and_files(self):
        self.super_lock("bob")
        self.sparekey("ssh", "disable")
        sandbox.run("chmod", "640", "/etc/sparekey/master.key")
        found = self.examine()
        self.assertIn("bob", found["accounts.super_locked"])
        self.assertIn("service.gate_closed", found)
        self.assertIn("master.key", found["files"])


if __name__ == "__main__":
    e2e.main()

# SPDX-License-Identifier: Apache-2.0
"""Somebody guesses: lockout, super-lockout, and what stays shut then."""

import subprocess

import e2e
import sandbox


class Lockout(e2e.SparekeyTest):

    def test_the_fifth_wrong_code_locks_and_a_right_one_is_no_longer_taken(self):
        for count in range(5):
            self.assertEqual(self.account("bob")["lockout"], "none", count)
            self.assert_denied(self.login("bob", self.phones["bob"].wrong_code()))
        self.assertEqual(self.account("bob")["lockout"], "locked")
        login = self.login("bob")
        self.assert_denied(login)
        self.assertNotIn("One-time code", login.screen)
        self.assertIn("Backup code 1 of 2", login.screen)
        self.assertIn("Too many wrong codes", login.screen)
        self.assertEqual(self.counters("bob")["otp_failures"], 5)

    def test_recovery_leads_out_of_a_lockout(self):
        self.lock("bob")
        self.assert_accepted(self.recover_locked("bob", self.sheets["bob"][:2]))
        self.assertEqual(self.account("bob")["lockout"], "none")
        self.assert_accepted(self.login("bob"))

    def test_a_failed_recovery_leaves_it_locked_and_is_counted(self):
        self.lock("bob")
        self.assert_denied(self.recover_locked("bob", self.wrong_codes()))
        self.assertEqual(self.counters("bob")["recovery_failures"], 1)
        self.assertEqual(self.account("bob")["lockout"], "locked")

    def test_a_lockout_of_one_is_no_lockout_of_another(self):
        self.lock("bob")
        self.assert_accepted(self.login("ada"))

    def test_a_restart_ends_no_lockout(self):
        self.lock("bob")
        before = self.counters("bob")
        self.restart_service()
        self.assertEqual(self.counters("bob"), before)
        self.assert_denied(self.login("bob"))

    def test_an_administrator_unlocks(self):
        self.lock("bob")
        self.sparekey("user", "unlock", "bob")
        self.assert_accepted(self.login("bob"))


class SuperLockout(e2e.SparekeyTest):

    methods = "keyboard-interactive publickey,keyboard-interactive"

    def assert_everything_denied(self):
        """What worked a moment ago is denied for both accounts, and nothing is spent or counted."""
        before = {name: self.counters(name) for name in ("ada", "bob")}
        for name in ("ada", "bob"):
            password = self.password(name)
            codes = self.sheets[name][:2]
            self.assert_denied(self.ssh(name, [password]))
            self.assert_denied(self.login(name))
            self.assert_denied(self.recover(name, codes))
            self.assert_denied(self.recover_locked(name, codes))
            self.assert_denied(self.sftp(name, [password, ("One-time code",
                                                           self.phones[name].code())]))
            self.assert_denied(self.ssh(name, [password, ("One-time code",
                                                          self.phones[name].code())], key=self.key))
        self.assertEqual({name: self.counters(name) for name in ("ada", "bob")}, before)

    def test_the_administrators_tenth_failed_recovery_shuts_everybody_out(self):
        for count in range(10):
            self.assertEqual(self.sparekey("status")["lockout"], "none", count)
            self.assert_denied(self.recover("ada", self.wrong_codes()))
        status = self.sparekey("status")
        self.assertEqual((status["lockout"], status["ssh_gate"]), ("super_locked", "closed"))
        self.assert_everything_denied()

    def test_a_restart_changes_nothing(self):
        self.super_lock()
        before = {name: self.counters(name) for name in ("ada", "bob")}
        self.restart_service()
        self.assertEqual({name: self.counters(name) for name in ("ada", "bob")}, before)
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.assert_everything_denied()

    def test_killing_the_service_changes_nothing(self):
        self.super_lock()
        self.service.stop(e2e.signal.SIGKILL)
        self.service = sandbox.start_sparekeyd()
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.assert_denied(self.login("bob"))

    def test_it_is_told_after_the_password_only(self):
        self.super_lock()
        told = self.ssh("bob", [self.password("bob")])
        self.assertIn("Logins are disabled", told.screen)
        self.assertIn("sparekey console", told.screen)
        untold = self.ssh("bob", [("password", "wrong")])
        self.assertNotIn("disabled", untold.screen)

    def test_keys_alone_are_denied_even_where_the_policy_accepts_them(self):
        self.sparekey("settings", "set", "ssh.keys=accept")
        self.restart_sshd("publickey")
        self.assert_accepted(self.ssh("bob", [], key=self.key))
        self.super_lock()
        for name in ("ada", "bob"):
            self.assert_denied(self.ssh(name, [], key=self.key))
            self.assert_denied(self.sftp(name, [], key=self.key))
        self.restart_sshd(self.methods)

    def test_another_users_tenth_failed_recovery_shuts_out_only_that_one(self):
        self.super_lock("bob")
        self.assertEqual(self.sparekey("status")["lockout"], "none")
        self.assertEqual(self.account("bob")["lockout"], "super_locked")
        self.assert_denied(self.login("bob"))
        self.assert_accepted(self.login("ada"))

    def test_no_setting_and_no_verb_of_root_ends_it(self):
        self.super_lock()
        for arguments in (("settings", "set", "enabled=false"), ("user", "unlock", "ada"),
                          ("user", "remove", "ada", "--yes"), ("user", "enroll", "ada", "--no-confirm"),
                          ("codes", "new", "bob"), ("ssh", "enable")):
            done = subprocess.run(["sparekey", "--json", *arguments], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=30, check=False)
            self.assertNotEqual(done.returncode, 0, arguments)
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.assert_denied(self.login("bob"))

    def test_live_sessions_are_known_until_they_end(self):
        child = self.open_session("bob")
        self.assertEqual(self.sparekey("status")["sessions"], 1)
        child.sendline("exit")
        child.expect(e2e.pexpect.EOF)
        child.close()
        sandbox.wait_until(lambda: self.sparekey("status")["sessions"] == 0, "the session ends")


if __name__ == "__main__":
    e2e.main()

# SPDX-License-Identifier: Apache-2.0
"""Logins with a stock ssh client: password, key, one-time code."""

import time

import e2e
import sandbox


class PasswordAndCode(e2e.SparekeyTest):

    def test_password_and_code_open_a_session(self):
        before = self.counters("ada")
        self.assert_accepted(self.login("ada"))
        self.assertEqual(self.counters("ada"), before)

    def test_a_wrong_code_is_denied_and_counted(self):
        self.assert_denied(self.login("bob", self.phones["bob"].wrong_code()))
        after = self.counters("bob")
        self.assertEqual((after["otp_failures"], after["otp_budget_left"]), (1, 99))

    def test_a_right_code_clears_the_failures_and_gives_one_back(self):
        self.assert_denied(self.login("bob", self.phones["bob"].wrong_code()))
        self.assert_accepted(self.login("bob"))
        after = self.counters("bob")
        self.assertEqual((after["otp_failures"], after["otp_budget_left"]), (0, 100))

    def test_a_session_begins_with_the_failed_attempts_since_the_last_one(self):
        self.assert_denied(self.login("bob", self.phones["bob"].wrong_code()))
        answers = [self.password("bob"), ("One-time code", self.phones["bob"].code()),
                   ("bob@", "exit")]
        login = e2e.converse(self.spawn(e2e.client("ssh", "bob")), answers, "bob@")
        self.assert_accepted(login)
        self.assertRegex(login.screen, r"1 failed attempt since your last login: .* from 127\.0\.0\.1")

    def test_the_same_code_twice_is_denied_and_not_counted(self):
        self.assert_accepted(self.login("bob"))
        self.assert_denied(self.login("bob", self.phones["bob"].same_code()))
        self.assertEqual(self.counters("bob")["otp_failures"], 0)

    def test_a_replay_is_told_in_the_words_of_a_wrong_code(self):
        phone = self.phones["bob"]
        self.assert_accepted(self.login("bob"))
        replayed = self.login("bob", phone.same_code())
        wrong = self.login("bob", phone.wrong_code())
        self.assertEqual(replayed.screen, wrong.screen)

    def test_a_code_before_the_last_accepted_one_is_denied(self):
        phone = self.phones["bob"]
        older, newer = phone.code(), phone.code()
        self.assert_accepted(self.login("bob", newer))
        self.assert_denied(self.login("bob", older))

    def test_a_wrong_password_reaches_no_code_and_changes_nothing(self):
        before = self.counters("ada")
        login = self.ssh("ada", [("password", "wrong"), ("One-time code", self.phones["ada"].code())])
        self.assert_denied(login)
        self.assertNotIn("One-time code", login.screen)
        self.assertEqual(self.counters("ada"), before)

    def test_an_empty_code_and_the_password_again_are_no_attempts(self):
        before = self.counters("bob")
        for answer in ("", self.passwords["bob"], "12345", "abcdef"):
            self.assert_denied(self.login("bob", answer))
        self.assertEqual(self.counters("bob"), before)

    def test_an_account_that_is_not_enrolled_needs_no_code(self):
        self.sparekey("user", "remove", "bob", "--yes")
        self.assert_accepted(self.ssh("bob", [self.password("bob")]))

    def test_sftp_asks_for_the_code_too(self):
        answers = [self.password("bob"), ("One-time code", self.phones["bob"].code())]
        self.assert_accepted(self.sftp("bob", answers))

    def test_the_defaults_hold_with_a_code_of_this_very_step(self):
        self.sparekey("settings", "set", "otp.window=1")
        phone = self.phones["ada"]
        while phone.last < int(time.time()) // e2e.INTERVAL:
            code = phone.code()
        self.assert_accepted(self.login("ada", code))


class Keys(e2e.SparekeyTest):
    """A key as first factor: PAM then asks for the code only."""

    pam = sandbox.CODE_ONLY
    methods = "publickey,keyboard-interactive"

    def test_key_and_code_open_a_session(self):
        answers = [("One-time code", self.phones["bob"].code())]
        self.assert_accepted(self.ssh("bob", answers, key=self.key))

    def test_key_and_wrong_code_are_denied_and_counted(self):
        answers = [("One-time code", self.phones["bob"].wrong_code())]
        self.assert_denied(self.ssh("bob", answers, key=self.key))
        self.assertEqual(self.counters("bob")["otp_failures"], 1)

    def test_the_key_alone_is_not_enough_for_an_enrolled_account(self):
        login = self.ssh("bob", [], key=self.key)
        self.assert_denied(login)
        self.assertIn("One-time code", login.screen)

    def test_who_needs_no_code_gets_in_by_the_key(self):
        self.sparekey("user", "remove", "bob", "--yes")
        self.assert_accepted(self.ssh("bob", [], key=self.key))
        for switch in ("services.ssh", "enabled"):
            self.sparekey("settings", "set", f"{switch}=false")
            self.assert_accepted(self.ssh("ada", [], key=self.key))
            self.sparekey("settings", "set", f"{switch}=true")

    def test_nobody_gets_in_without_the_key(self):
        before = self.counters("ada")
        self.sparekey("user", "remove", "bob", "--yes")
        for name in ("ada", "bob"):
            login = self.ssh(name, [self.password(name), ("code", self.phones[name].code())])
            self.assert_denied(login)
            self.assertIn("Permission denied (publickey)", login.screen)
        self.assertEqual(self.counters("ada"), before)


class KeyAlone(e2e.SparekeyTest):
    methods = "publickey"

    def test_a_key_alone_is_denied_until_the_policy_accepts_it(self):
        login = self.ssh("bob", [], key=self.key)
        self.assert_denied(login)
        self.sparekey("settings", "set", "ssh.keys=accept")
        self.assert_accepted(self.ssh("bob", [], key=self.key))

    def test_a_key_alone_is_enough_for_an_account_that_is_not_enrolled(self):
        self.sparekey("user", "remove", "bob", "--yes")
        self.assert_accepted(self.ssh("bob", [], key=self.key))


class NoFirstFactor(e2e.SparekeyTest):
    """A PAM file that asks for the code alone, without a key before it."""

    pam = sandbox.CODE_ONLY
    methods = "keyboard-interactive"

    def test_who_knows_a_name_only_can_lock_nobody_out(self):
        before = self.counters("ada")
        for _ in range(6):
            login = self.ssh("ada", [("code", self.phones["ada"].wrong_code())])
            self.assert_denied(login)
        self.assert_denied(self.ssh("ada", [("code", self.phones["ada"].code())]))
        self.assertEqual(self.counters("ada"), before)

    def test_who_needs_no_code_does_not_get_in_by_a_name(self):
        self.sparekey("user", "remove", "bob", "--yes")
        self.assert_denied(self.ssh("bob", []))
        self.sparekey("settings", "set", "enabled=false")
        self.assert_denied(self.ssh("ada", []))


class PasswordMethod(e2e.SparekeyTest):
    """sshd's password method answers every hidden prompt with the password."""

    methods = "password"
    sshd_options = ("KbdInteractiveAuthentication no", "PasswordAuthentication yes")

    def test_twenty_logins_move_no_counter(self):
        before = {name: self.counters(name) for name in ("ada", "bob")}
        for _ in range(10):
            for name in ("ada", "bob"):
                self.assert_denied(self.ssh(name, [("password", self.passwords[name])]))
        self.assertEqual({name: self.counters(name) for name in ("ada", "bob")}, before)


if __name__ == "__main__":
    e2e.main()

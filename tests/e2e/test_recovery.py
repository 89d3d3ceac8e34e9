# SPDX-License-Identifier: Apache-2.0
"""The authenticator is gone: recovery logins with backup codes."""

import e2e


class Recovery(e2e.SparekeyTest):

    def assert_counted(self, name, failures, codes_left=10):
        counters = self.counters(name)
        self.assertEqual((counters["recovery_failures"], counters["codes_left"]),
                         (failures, codes_left))

    def test_two_codes_open_a_session_and_are_spent(self):
        self.assert_accepted(self.recover("ada", self.sheets["ada"][:2]))
        self.assert_counted("ada", 0, 8)

    def test_a_session_begins_with_how_many_codes_are_left(self):
        first, second = self.sheets["ada"][:2]
        answers = [self.password("ada"), ("One-time code", "recover"), ("Backup code 1", first),
                   ("Backup code 2", second), ("ada@", "exit")]
        login = e2e.converse(self.spawn(e2e.client("ssh", "ada")), answers, "ada@")
        self.assert_accepted(login)
        self.assertIn("8 backup codes left", login.screen)

    def test_codes_are_taken_in_any_form_that_a_person_writes(self):
        first, second = self.sheets["bob"][:2]
        self.assert_accepted(self.recover("bob", [first.lower(), second.replace("-", " ")]))

    def test_any_two_codes_of_the_sheet_will_do(self):
        sheet = self.sheets["bob"]
        self.assert_accepted(self.recover("bob", [sheet[9], sheet[4]]))

    def test_a_backup_code_at_the_first_prompt_is_code_one(self):
        first, second = self.sheets["bob"][:2]
        answers = [self.password("bob"), ("One-time code", first), ("Backup code 2", second)]
        self.assert_accepted(self.ssh("bob", answers))
        self.assert_counted("bob", 0, 8)

    def test_one_right_and_one_wrong_spend_none_and_count_one(self):
        right, wrong = self.sheets["ada"][0], self.wrong_codes()[0]
        first = self.recover("ada", [right, wrong])
        second = self.recover("ada", [wrong, right])
        self.assert_denied(first)
        self.assert_denied(second)
        self.assert_counted("ada", 2)
        self.assertEqual(first.screen, second.screen)  # nothing tells which was wrong
        self.assert_accepted(self.recover("ada", self.sheets["ada"][:2]))

    def test_one_code_twice_is_no_attempt(self):
        code = self.sheets["bob"][0]
        self.assert_denied(self.recover("bob", [code, code.lower()]))
        self.assert_counted("bob", 0)

    def test_the_last_spent_set_again_is_denied_and_not_counted(self):
        codes = self.sheets["bob"][:2]
        self.assert_accepted(self.recover("bob", codes))
        self.assert_denied(self.recover("bob", codes))
        self.assert_counted("bob", 0, 8)

    def test_a_spent_code_among_new_ones_is_denied_and_counted(self):
        sheet = self.sheets["bob"]
        self.assert_accepted(self.recover("bob", sheet[:2]))
        self.assert_accepted(self.recover("bob", sheet[2:4]))
        self.assert_denied(self.recover("bob", [sheet[0], sheet[4]]))
        self.assert_counted("bob", 1, 6)

    def test_codes_of_another_account_are_denied_and_stay_good_there(self):
        self.assert_denied(self.recover("bob", self.sheets["ada"][:2]))
        self.assert_counted("bob", 1)
        self.assert_counted("ada", 0)
        self.assert_accepted(self.recover("ada", self.sheets["ada"][:2]))

    def test_a_new_sheet_voids_the_old_one(self):
        old = self.sheets["bob"][:2]
        new = self.sparekey("codes", "new", "bob")["backup_codes"]
        self.assert_denied(self.recover("bob", old))
        self.assert_accepted(self.recover("bob", new[:2]))

    def test_a_recovery_that_is_given_up_changes_nothing(self):
        before = self.counters("bob")
        answers = [self.password("bob"), ("One-time code", "recover"),
                   ("Backup code 1", self.sheets["bob"][0])]
        login = self.ssh("bob", answers)  # the client is closed at the prompt for the second code
        self.assert_denied(login)
        self.assertIn("Backup code 2", login.screen)
        self.assertEqual(self.counters("bob"), before)

    def test_sftp_recovers_too(self):
        first, second = self.sheets["bob"][:2]
        answers = [self.password("bob"), ("One-time code", "recover"), ("Backup code 1", first),
                   ("Backup code 2", second)]
        self.assert_accepted(self.sftp("bob", answers))


if __name__ == "__main__":
    e2e.main()

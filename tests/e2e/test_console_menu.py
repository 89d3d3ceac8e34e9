# SPDX-License-Identifier: Apache-2.0
"""The local console's menu at a virtual terminal, keystroke by keystroke, with a real service."""

import os
import time

import e2e
import full_disk
import sandbox
import terminal

# What docs/console.md counts, with passwords of 12 characters: all from the login prompt to an open
# gate, and what of it is typed blind.
KEYSTROKES, PASSWORD = 79, 12


class Menu(e2e.SparekeyTest):
    methods = "keyboard-interactive"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.passwords["root"] = sandbox.new_password()
        sandbox.set_password("root", cls.passwords["root"])
        sandbox.write("/etc/profile.d/locale.sh", "export LANG=C.UTF-8\n")

    def super_lock(self, name="ada"):
        self.sparekey("settings", "set", "backup_codes.max_attempts=1")
        self.sparekey("recover", name, text="\n".join(self.wrong_codes()) + "\n", status=1)

    @staticmethod
    def sit(*command):
        return terminal.VirtualTerminal(["env", "LANG=C.UTF-8", *command])

    def end_super_lockout(self, place, before=()):
        """Entry 1 up to the question whether to enrol now; `before` it begins."""
        password = sandbox.new_password()
        place.answer("q to quit:", "1")
        for prompt, text in [*before, ("Go on?", "y"), ("New password:", password),
                             ("Retype", password)]:
            place.answer(prompt, text)
        self.passwords["ada"] = password

    def enrol_at(self, place):
        """Scans the QR code off the screen, as a phone does."""
        place.wait_for("Code from the app")
        scanned = place.scan_qr()
        self.assertIn("otpauth://totp/", scanned)
        self.phones["ada"] = e2e.Authenticator(scanned.partition("secret=")[2].partition("&")[0])
        place.answer("Code from the app", self.phones["ada"].code())
        place.answer("throw them away:", "f")
        place.answer("File:", "")

    def assert_way_in(self):
        self.assert_accepted(self.login("ada"))
        self.assert_accepted(self.login("bob"))

    def test_from_the_login_prompt_to_a_login_in_so_many_keystrokes(self):
        self.super_lock()
        place = self.sit("login")
        begin = time.monotonic()
        place.answer("login:", "root")
        place.answer("password:", self.passwords["root"])
        place.wait_for("~#")
        place.type("sparekey console")
        self.end_super_lockout(place)
        place.answer("Enrol ada now", "y")
        self.enrol_at(place)
        place.answer("Open SSH for everybody?", "y")
        place.wait_for("The SSH gate is open.")
        seconds = time.monotonic() - begin
        self.assertEqual([len(self.passwords[name]) for name in ("root", "ada")], [PASSWORD] * 2)
        print(f"{place.typed} keystrokes, {seconds:.1f} s beside typing and thinking")
        self.assertEqual(place.typed, KEYSTROKES)
        place.answer("Enter for the menu:", "")
        place.answer("q to quit:", "q")
        place.type("exit")
        place.end()
        self.assert_way_in()
        self.assertTrue(os.path.exists("/root/sparekey-codes-ada-sheet2.txt"))

    def test_with_the_service_hanging(self):
        self.super_lock()
        self.service.send(e2e.signal.SIGSTOP)
        place = self.sit("sparekey", "console")
        place.wait_for("HANGS: process")
        place.wait_for("sparekeyd), stopped")
        self.end_super_lockout(place, [("Type YES", "YES")])
        self.assertFalse(self.service.is_running())
        place.answer("Enrol ada now", "y")
        self.enrol_at(place)
        place.answer("Open SSH for everybody?", "y")
        place.answer("Enter for the menu:", "")
        place.answer("q to quit:", "q")
        self.assertEqual(place.end(), 0)
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_with_the_service_hanging_and_not_to_be_ended(self):
        self.super_lock()
        self.service.send(e2e.signal.SIGSTOP)
        place = self.sit("sparekey", "console")
        place.answer("q to quit:", "7")
        place.answer("Type YES", "no")
        place.wait_for("the store is in use; nothing was changed")
        place.answer("Enter for the menu:", "")
        place.answer("q to quit:", "q")
        self.assertEqual(place.end(), 0)
        self.service.send(e2e.signal.SIGCONT)
        self.assertEqual(self.sparekey("settings", "get", "enabled")["value"], "true")

    def test_with_the_service_gone_and_the_disk_full(self):
        full_disk.move_state(self)
        self.super_lock()
        self.service.stop(e2e.signal.SIGKILL)
        full_disk.fill()
        place = self.sit("sparekey", "console")
        place.wait_for("DISK FULL; changes take the reserve")
        self.assertTrue(os.path.exists(f"{full_disk.STATE}/reserve"))  # not for the screen
        self.end_super_lockout(place)
        place.answer("Enrol ada now", "y")
        self.enrol_at(place)
        place.answer("Open SSH for everybody?", "y")
        place.answer("Enter for the menu:", "")
        place.answer("q to quit:", "q")
        self.assertEqual(place.end(), 0)
        full_disk.empty()
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_two_factor_off_lets_passwords_in_until_it_is_set_back(self):
        place = self.sit("sparekey", "console")
        for question, off in (("Switch two-factor off?", True), ("Set it back on?", False)):
            place.answer("q to quit:", "7")
            place.answer(question, "y")
            place.answer("Enter for the menu:", "")
            place.wait_for("Two-factor  " + ("OFF" if off else "on"))
            alerts = [alert["kind"] for alert in self.sparekey("status")["alerts"]]
            self.assertEqual("two_factor_off" in alerts, off, alerts)
            login = self.ssh("bob", [self.password("bob")])
            self.assertEqual(login.accepted, off, login)
        place.answer("q to quit:", "q")
        self.assertEqual(place.end(), 0)
        kinds = [event["kind"] for event in self.sparekey("events")["events"]]
        self.assertIn("two_factor_off", kinds)
        self.assertIn("two_factor_on", kinds)

    def test_ctrl_c_at_the_new_password_resets_nothing_and_leads_back(self):
        self.super_lock()
        place = self.sit("sparekey", "console")
        place.answer("q to quit:", "1")
        place.answer("Go on?", "y")
        place.answer("New password:", "\x03", end="")
        place.wait_for("nothing else was reset")
        place.answer("Enter for the menu:", "")
        place.answer("q to quit:", "q")
        self.assertEqual(place.end(), 0)
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.assertEqual(self.account("ada")["enrolment"], "active")


if __name__ == "__main__":
    e2e.main()

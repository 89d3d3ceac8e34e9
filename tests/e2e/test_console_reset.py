# SPDX-License-Identifier: Apache-2.0
"""A super-lockout ends at the console and nowhere else."""

import os
import subprocess

import e2e
import sandbox
import terminal

RESET = ["sparekey", "console", "reset"]
NOT_ALLOWED = 6


class ConsoleReset(e2e.SparekeyTest):
    methods = "keyboard-interactive"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.passwords["root"] = sandbox.new_password()
        sandbox.set_password("root", cls.passwords["root"])

    def reset(self, *what, answers=()):
        """Types a reset at a virtual terminal, as root after a console login: a new password for
        ada, who caused the lockout. The exit status and the screen."""
        password = sandbox.new_password()
        place = terminal.VirtualTerminal(RESET + list(what))
        for prompt, text in [*answers, ("New password:", password), ("Retype", password)]:
            place.answer(prompt, text)
        status = place.end()
        self.passwords["ada"] = password
        return status, place.screen()

    def assert_ended(self):
        status = self.sparekey("status")
        self.assertEqual((status["lockout"], status["ssh_gate"]), ("none", "closed"))
        ada = self.account("ada")
        self.assertEqual((ada["lockout"], ada["enrolment"], ada["must_enrol"], ada["otp_failures"],
                          ada["recovery_failures"], ada["otp_budget_left"]),
                         ("none", "none", True, 0, 0, 100))

    def test_it_ends_a_super_lockout_and_the_way_in_is_open_again(self):
        self.super_lock()
        status, screen = self.reset("--system")
        self.assertEqual(status, 0, screen)
        self.assert_ended()
        # The gate is still closed; an administrator opens it.
        self.assert_denied(self.login("bob"))
        self.sparekey("ssh", "enable")
        # bob did not cause it and kept his phone; ada has to enrol first.
        self.assert_accepted(self.login("bob"))
        self.assert_denied(self.ssh("ada", [self.password("ada")]))
        self.enrol("ada")
        self.assert_accepted(self.login("ada"))

    def test_what_ada_had_before_is_worth_nothing_afterwards(self):
        self.super_lock()
        old = self.passwords["ada"]
        self.assertEqual(self.reset("--system")[0], 0)
        self.sparekey("ssh", "enable")
        phone, sheet = self.phones["ada"], self.sheets["ada"]
        self.enrol("ada")
        self.assert_denied(self.ssh("ada", [("password", old), ("One-time code",
                                                                self.phones["ada"].code())]))
        self.assert_denied(self.login("ada", phone.code()))
        self.assert_denied(self.recover("ada", sheet[:2]))

    def test_one_account_is_reset_by_name(self):
        self.lock("ada")
        status, screen = self.reset("ada")
        self.assertEqual(status, 0, screen)
        ada = self.account("ada")
        self.assertEqual((ada["lockout"], ada["enrolment"], ada["must_enrol"]),
                         ("none", "none", True))

    def test_it_works_with_the_service_gone(self):
        self.super_lock()
        self.service.stop(e2e.signal.SIGKILL)
        status, screen = self.reset("--system")
        self.assertEqual(status, 0, screen)
        self.service = sandbox.start_sparekeyd()
        self.assert_ended()

    def test_it_works_with_the_service_hanging_and_offers_to_end_it(self):
        self.super_lock()
        self.service.send(e2e.signal.SIGSTOP)
        status, screen = self.reset("--system", answers=[("YES", "YES")])
        self.assertEqual(status, 0, screen)
        self.assertFalse(self.service.is_running())
        self.service = sandbox.start_sparekeyd()
        self.assert_ended()

    def test_ctrl_c_at_the_new_password_resets_nothing(self):
        self.super_lock()
        place = terminal.VirtualTerminal(RESET + ["--system"])
        place.answer("New password:", "\x03", end="")
        self.assertNotEqual(place.end(), 0)
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.assertEqual(self.account("ada")["enrolment"], "active")

    def test_it_is_refused_over_ssh(self):
        self.sparekey("settings", "set", "ssh.end_sessions=false")
        session = self.open_root_session()
        self.super_lock()
        for what in ("--system", "ada"):
            session.sendline(f"sparekey console reset {what}; echo status=$?")
            session.expect(r"status=(\d+)")
            self.assertEqual(int(session.match[1]), NOT_ALLOWED, session.before)
        session.close(force=True)
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")

    def test_it_is_refused_in_a_shell_that_outlived_the_ssh_session(self):
        self.sparekey("settings", "set", "ssh.end_sessions=false")
        session = self.open_root_session()
        self.super_lock()
        session.sendline("setsid sh -c 'sparekey console reset --system; echo $? >/run/sandbox/status'")
        sandbox.wait_until(lambda: os.path.exists("/run/sandbox/status") and
                           os.path.getsize("/run/sandbox/status"), "the reset answers")
        with open("/run/sandbox/status") as status:
            self.assertEqual(int(status.read()), NOT_ALLOWED)
        os.unlink("/run/sandbox/status")
        session.close(force=True)

    def open_root_session(self):
        """root is not enrolled, so the password alone lets it in before the lockout."""
        child = self.spawn(e2e.client("ssh", "root", None, ["RequestTTY=force"]) +
                           ["PS1='remote> ' exec bash --norc --noprofile"])
        child.expect("assword: ?$")
        child.sendline(self.passwords["root"])
        child.expect("remote> ")
        return child

    def test_it_is_refused_without_a_terminal(self):
        done = subprocess.run(RESET + ["--system"], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, NOT_ALLOWED)

    def test_it_is_refused_on_a_pseudo_terminal_that_nobody_local_owns(self):
        child = self.spawn(RESET + ["--system"])
        child.expect(e2e.pexpect.EOF)
        child.close()
        self.assertEqual(child.exitstatus, NOT_ALLOWED)

    def test_a_user_at_the_console_may_not_reset(self):
        place = terminal.VirtualTerminal(RESET + ["--system"], user="bob")
        self.assertEqual(place.end(), NOT_ALLOWED)


class AllowRoot(e2e.SparekeyTest):
    """What a trial or a container says in its configuration file."""

    methods = "keyboard-interactive"
    config = "console.allow = root\n"

    def test_any_root_shell_may_reset(self):
        self.super_lock()
        password = sandbox.new_password()
        child = self.spawn(RESET + ["--system"])
        child.expect("New password: ?$")
        child.sendline(password)
        child.expect("assword: ?$")
        child.sendline(password)
        child.expect(e2e.pexpect.EOF)
        child.close()
        self.passwords["ada"] = password
        self.assertEqual(child.exitstatus, 0, child.before)
        self.assertEqual(self.sparekey("status")["lockout"], "none")


if __name__ == "__main__":
    e2e.main()

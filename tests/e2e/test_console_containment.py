# SPDX-License-Identifier: Apache-2.0
"""sparekeyd is killed between a lockout and its containment, and stays away: the local console, on
the store alone, finishes what was begun, or leaves it to the next sparekeyd. About 7 s."""

import os
import signal
import time

import containment
import e2e
import sandbox
from containment import LINE
from test_containment import ContainmentTest, Strace


class ConsoleContainment(ContainmentTest):

    def lock_and_kill(self, victim, *wanted):
        """Sessions that live on after the lockout that was to end them."""
        sessions = self.begin(*wanted)
        strace = Strace(self.service.pid, "pidfd_open:signal=KILL")
        containment.fail_recovery(victim)
        sandbox.wait_until(lambda: not self.service.is_running(), "the service is killed")
        strace.child.wait(20)
        self.assert_alive(sessions)
        return sessions

    def sit(self, *command):
        child = self.spawn(["env", "LANG=C.UTF-8", "sparekey", "console", *command])
        self.addCleanup(child.close, force=True)
        return child

    def answer(self, child, *answers):
        shown = ""
        for prompt, text in answers:
            child.expect_exact(prompt)
            shown += child.before
            child.sendline(text)
        return shown

    def set_password(self, child, name):
        password = sandbox.new_password()
        self.answer(child, ("New password:", password), ("Retype new password:", password))
        self.passwords[name] = password

    def end(self, child):
        child.expect(e2e.pexpect.EOF)
        child.close()
        self.assertEqual(child.exitstatus, 0, child.before)

    def test_opening_the_gate_ends_first_what_was_to_end(self):
        """Else whoever is let in again would be thrown out by the next sparekeyd."""
        sessions = self.lock_and_kill("ada", ("ada", "terminal"), ("bob", "command"),
                                      ("root", "forward"), ("bob", "bare"))
        bystander = self.run_as_bob("sleep", "1000")
        console = self.sit()
        self.answer(console, ("q to quit:", "1"), ("Go on?", "y"))
        self.set_password(console, "ada")
        self.answer(console, ("Enrol ada now", "n"))
        self.assert_alive(sessions)  # nothing was opened yet
        console.expect_exact("Open SSH for everybody?")
        began = time.monotonic()
        console.sendline("y")
        shown = self.answer(console, ("Enter for the menu:", ""), ("q to quit:", "q"))
        self.assertIn("Busy (SSH sessions are still being ended", shown)
        self.assertIn("The SSH gate is open.", shown)
        self.assert_gone(sessions, began)
        self.end(console)
        self.assertIsNone(bystander.poll())
        self.assertIn(LINE + "super-lockout of ada", sessions[0].text())
        self.service = sandbox.start_sparekeyd()
        self.assertEqual([(one["account"], one["detail"]) for one in self.ended_events()],
                         [(None, "4 SSH sessions ended")])
        again = self.begin(("bob", "command"))
        self.restart_service()  # which would begin with what is marked
        self.assertEqual(self.sparekey("status")["ssh_gate"], "open")
        self.assertEqual(len(self.ended_events()), 1)
        self.assert_alive(again)

    def test_a_stopped_session_is_ended_too(self):
        sessions = self.lock_and_kill("bob", ("bob", "command"), ("ada", "command"))
        for pid in containment.children_of_sshd(e2e.BOB_UID):
            os.kill(pid, signal.SIGSTOP)
        console = self.sit()
        self.answer(console, ("q to quit:", "4"), ("Account to reset", "bob"), ("Go on?", "y"))
        self.set_password(console, "bob")
        began = time.monotonic()
        self.answer(console, ("Enrol bob now", "n"), ("Open SSH for everybody?", "y"),
                    ("Enter for the menu:", ""), ("q to quit:", "q"))
        self.assert_gone(sessions[:1], began)
        self.assert_alive(sessions[1:])
        self.end(console)

    def test_a_reset_alone_leaves_it_to_the_next_service(self):
        sessions = self.lock_and_kill("bob", ("bob", "terminal"), ("ada", "command"))
        console = self.sit("reset", "bob")
        self.set_password(console, "bob")
        self.end(console)
        self.assert_alive(sessions)
        self.service = sandbox.start_sparekeyd()
        self.assert_gone(sessions[:1], time.monotonic())
        self.assertIn(LINE + "super-lockout of bob", sessions[0].text())
        self.assert_alive(sessions[1:])
        sandbox.wait_until(self.ended_events, "the event is recorded")
        self.assertEqual(self.account("bob")["ssh_gate"], "closed")


if __name__ == "__main__":
    e2e.main()

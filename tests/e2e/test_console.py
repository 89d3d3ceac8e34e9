# SPDX-License-Identifier: Apache-2.0
"""The console door: what passes it during a super-lockout with the service gone, and what does not.

Every test runs in that state, in which a console login needs the password alone and everything else
is denied; so a login that passes proves that it was taken for a console login.
"""

import os
import subprocess
import sys

import e2e
import sandbox
import terminal

PAM_LOGIN = [sys.executable, "-B", os.path.join(e2e.ROOT, "scripts/lib/pam_login.py")]
MARK = "in-as-ada"
SU = ["su", "ada", "-c", "echo in-as-$(id -un)"]


class ShutAndGone(e2e.SparekeyTest):
    """Super-locked, sparekeyd killed."""

    methods = "keyboard-interactive"

    def setUp(self):
        super().setUp()
        self.shut()

    def shut(self):
        self.super_lock()
        self.assertEqual(self.sparekey("status")["lockout"], "super_locked")
        self.service.stop(e2e.signal.SIGKILL)

    def on_terminal(self, command, user="root", answers=()):
        """Runs a program on a free virtual terminal; what stood on its screen at the end."""
        place = terminal.VirtualTerminal(command, user)
        for prompt, text in answers:
            place.answer(prompt, text)
        place.end()
        return place.screen()

    def assert_passes(self, screen):
        self.assertIn(MARK, screen)
        self.assertNotIn("One-time code", screen)

    def assert_shut(self, screen):
        """Denied, and that by sparekey: the password was right."""
        self.assertNotIn(MARK, screen)
        self.assertNotIn("accepted", screen)


class Console(ShutAndGone):

    def test_login_passes(self):
        place = terminal.VirtualTerminal(["login", "ada"])
        place.answer("password:", self.passwords["ada"])
        place.wait_for("$")
        place.type("echo in-as-$(id -un)")
        place.wait_for(MARK)
        self.assert_passes(place.screen())
        place.type("exit")
        place.end()

    def test_login_with_a_wrong_password_does_not(self):
        place = terminal.VirtualTerminal(["login", "ada"])
        place.answer("password:", "wrong")
        place.wait_for("incorrect")
        place.child.kill()
        place.end()

    def test_su_passes(self):
        self.assert_passes(self.on_terminal(SU, "bob", [("password:", self.passwords["ada"])]))

    def test_su_inside_script_passes(self):
        command = ["script", "-qec", "su ada -c 'echo in-as-$(id -un)'", "/dev/null"]
        self.assert_passes(self.on_terminal(command, "bob",
                                            [("password:", self.passwords["ada"])]))

    def test_any_program_that_uses_a_console_service_passes(self):
        screen = self.on_terminal(PAM_LOGIN + ["login", "ada"], "root",
                                  [("password:", self.passwords["ada"])])
        self.assertIn("accepted", screen)


class NoConsole(ShutAndGone):

    def test_a_pam_service_that_is_not_listed(self):
        sandbox.set_pam("kiosk", sandbox.PASSWORD_AND_CODE)
        screen = self.on_terminal(PAM_LOGIN + ["kiosk", "ada"], "root",
                                  [("password:", self.passwords["ada"])])
        self.assertIn("denied", screen)
        self.assert_shut(screen)

    def test_a_terminal_server_started_in_a_console_shell(self):
        server = os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminal_server.py")
        screen = self.on_terminal([sys.executable, "-B", server] + SU, "bob",
                                  [("password:", self.passwords["ada"])])
        self.assert_shut(screen)

    def on_serial_line(self, mode):
        """su by bob, who took a serial line as his terminal; talks over pipes."""
        name = terminal.free(["ttyS0", "ttyS1", "ttyS2", "ttyS3", "hvc0"])
        node = f"/dev/{name}"
        sandbox.run("chown", "bob:dialout" if mode == 0o600 else "root:dialout", node)
        os.chmod(node, mode)
        sandbox.run("usermod", "--append", "--groups", "dialout", "bob")

        def preexec():
            terminal.become("bob")
            terminal.take(name)

        return self.su_over_pipes(preexec)

    def su_over_pipes(self, preexec):
        text = self.passwords["ada"] + "\n" + self.phones["ada"].code() + "\n"
        done = subprocess.run(SU, input=text, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, preexec_fn=preexec, timeout=30, check=False)
        return done.stdout

    def test_another_users_process_on_an_open_serial_line(self):
        self.assert_shut(self.on_serial_line(0o660))

    def test_but_the_same_line_is_one_when_getty_gave_it_to_its_user(self):
        self.assert_passes(self.on_serial_line(0o600))

    def test_a_daemon_with_the_console_as_standard_input(self):
        """It has no terminal, whatever file it reads."""
        answers = f"{self.passwords['ada']}\n{self.phones['ada'].code()}\n"
        feeder, feed = os.pipe()

        def preexec():
            os.setsid()
            console = os.open("/dev/console", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            os.dup2(console, 0)

        # The answers come on another descriptor, as a daemon would have them.
        os.write(feed, answers.encode())
        os.close(feed)
        done = subprocess.run(PAM_LOGIN + ["login", "ada", "--answers", str(feeder)], text=True,
                              pass_fds=(feeder,), preexec_fn=preexec, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, check=False)
        os.close(feeder)
        self.assertIn("denied", done.stdout)
        self.assert_shut(done.stdout)

    def test_a_process_without_any_terminal(self):
        self.assert_shut(self.su_over_pipes(lambda: (os.setsid(), terminal.become("bob"))))

    def test_a_pseudo_terminal_that_nobody_local_owns(self):
        child = e2e.pexpect.spawn("su", ["bob", "-c", "exec su ada -c 'echo in-as-$(id -un)'"],
                                  encoding="utf-8", timeout=20, echo=False)
        child.delaybeforesend = None
        self.assert_denied(e2e.converse(child, [self.password("ada")], MARK))


class OverSsh(ShutAndGone):
    """A session that was open before the doors were shut."""

    def setUp(self):
        e2e.SparekeyTest.setUp(self)
        self.sparekey("settings", "set", "ssh.end_sessions=false")

    def test_su_in_a_session_is_no_console_login(self):
        session = self.open_session("bob")
        self.shut()
        session.sendline("su ada -c 'echo in-as-$(id -un)'; echo over")
        session.expect("assword:")
        session.sendline(self.passwords["ada"])
        session.expect("over")
        self.assert_shut(session.before)
        session.close(force=True)

    def test_a_new_session_is_none_either(self):
        self.shut()
        self.assert_denied(self.login("ada"))


if __name__ == "__main__":
    e2e.main()

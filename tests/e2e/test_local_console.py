# SPDX-License-Identifier: Apache-2.0
"""Where a reset may be made and where not: every row of docs/console.md that this machine can make,
with the kernel's own terminals. Refused is exit status 6, with the reason.

The probe asks for a reset that would change nothing. sparekeyd runs and decides for itself too.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import e2e
import sandbox
import terminal

ALLOWED, REFUSED = 2, 6  # 2: there is no super-lockout to end
PROBE = "/usr/local/bin/probe"
RUN = "/run/sandbox/probe"
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminal_server.py")


class LocalConsole(e2e.SparekeyTest):
    methods = "keyboard-interactive"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.passwords["root"] = sandbox.new_password()
        sandbox.set_password("root", cls.passwords["root"])
        sandbox.write(PROBE, f"#!/bin/sh\nrm -f {RUN}.*\n"
                      f"sparekey console reset --system 2>{RUN}.said\n"
                      f"echo $? >{RUN}.new\nmv {RUN}.new {RUN}.status\n", 0o755)
        sandbox.write("/etc/sudoers", "root ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) NOPASSWD: ALL\n",
                      0o440)
        for service in ("sudo", "sudo-i", "runuser", "cron"):
            sandbox.set_pam(service, "".join(f"{kind} required pam_permit.so\n" for kind in
                                             ("auth", "account", "session")))

    @staticmethod
    def use_pty(wanted):
        sandbox.write("/etc/sudoers.d/pty", f"Defaults {'' if wanted else '!'}use_pty\n", 0o440)
        with open("/etc/sudoers") as file:
            if "includedir" not in file.read():
                with open("/etc/sudoers", "a") as more:
                    more.write("@includedir /etc/sudoers.d\n")

    def setUp(self):
        super().setUp()
        self.forget()

    @staticmethod
    def forget():
        for name in ("status", "said"):
            if os.path.exists(f"{RUN}.{name}"):
                os.unlink(f"{RUN}.{name}")

    def outcome(self):
        """The probe's exit status and what it said, once it has ended."""
        sandbox.wait_until(lambda: os.path.exists(f"{RUN}.status"), "the probe ends")
        with open(f"{RUN}.status") as status, open(f"{RUN}.said") as said:
            result = int(status.read()), said.read()
        self.forget()
        return result

    def at_terminal(self, command, user="root"):
        place = terminal.VirtualTerminal(command, user)
        place.end()
        return self.outcome()

    def assert_allowed(self, result):
        self.assertEqual(result[0], ALLOWED, result)
        self.assertIn("no super-lockout", result[1])

    def assert_refused(self, result, *reasons):
        self.assertEqual(result[0], REFUSED, result)
        self.assertTrue(any(reason in result[1] for reason in reasons), result)

    # --- yes

    def test_yes_on_a_virtual_terminal_and_through_the_programs_that_pass_it_on(self):
        for command in ([PROBE], ["su", "root", "-c", PROBE], ["su", "--pty", "root", "-c", PROBE],
                        ["runuser", "-u", "root", "--", PROBE],
                        ["runuser", "--pty", "-u", "root", "--", PROBE],
                        ["script", "-qec", PROBE, "/dev/null"],
                        ["sh", "-c", f"{PROBE} </dev/tty >/dev/tty"]):
            with self.subTest(command=command):
                self.assert_allowed(self.at_terminal(command))

    def test_yes_through_sudo_with_and_without_its_own_terminal(self):
        inner = "sudo script -qec 'su --pty root -c " + PROBE + "' /dev/null"
        for pty in (True, False):
            self.use_pty(pty)
            for command in (["sudo", PROBE], ["sudo", "-i", PROBE],
                            ["script", "-qec", inner, "/dev/null"]):
                with self.subTest(command=command, pty=pty):
                    self.assert_allowed(self.at_terminal(command, "bob"))

    def test_yes_on_an_open_serial_line(self):
        name = terminal.free(["ttyS0", "ttyS1", "ttyS2", "ttyS3", "hvc0"])
        os.chmod(f"/dev/{name}", 0o660)
        subprocess.run([PROBE], preexec_fn=lambda: terminal.take(name, stdio=True), timeout=30,
                       check=True)
        self.assert_allowed(self.outcome())

    # --- no

    def test_no_below_a_program_that_makes_terminals_of_its_own(self):
        shutil.copy("/usr/bin/script", "/home/bob/sudo")
        os.chown("/home/bob/sudo", e2e.BOB_UID, e2e.BOB_UID)
        detach = "detach from it or leave it first"
        background = "belongs to a background process"
        for command in (["tmux", "-L", "probe", "new", PROBE], ["screen", PROBE],
                        [sys.executable, "-B", SERVER, PROBE],
                        ["sudo", sys.executable, "-B", SERVER, PROBE],
                        ["/home/bob/sudo", "-qec", PROBE, "/dev/null"]):
            with self.subTest(command=command):
                self.assert_refused(self.at_terminal(command), detach, background)

    def test_no_without_the_terminal(self):
        for command in (["setsid", "-w", PROBE],
                        ["sh", "-c", f"{PROBE} </dev/null"], ["sh", "-c", f"{PROBE} | cat"]):
            with self.subTest(command=command):
                self.assert_refused(self.at_terminal(command), "has no terminal",
                                    "are not the terminal")

    def test_no_to_a_daemon_with_the_console_as_standard_input(self):
        with open("/dev/console", "r+b", buffering=0) as console:
            subprocess.run([PROBE], stdin=console, stdout=console, start_new_session=True,
                           timeout=30, check=True)
        self.assert_refused(self.outcome(), "has no terminal")

    def test_no_to_cron(self):
        sandbox.write("/etc/crontab", "")
        sandbox.write("/etc/cron.d/probe", f"* * * * * root {PROBE} </dev/null\n")
        os.makedirs("/var/spool/cron/crontabs", exist_ok=True)
        # The minute that cron waits for passes at once.
        cron = sandbox.Process("cron", "faketime", "-f", "@2026-11-23 14:00:59", "/usr/sbin/cron",
                               "-f")
        self.addCleanup(cron.stop)
        self.assert_refused(self.outcome(), "has no terminal")

    def test_no_in_namespaces_of_its_own(self):
        for command in (["unshare", "--pid", "--fork", "--mount-proc", PROBE],
                        ["unshare", "--user", "--map-root-user", PROBE]):
            with self.subTest(command=command):
                self.assert_refused(self.at_terminal(command), "in a container",
                                    "cannot be read", "belongs to")

    def test_no_to_a_program_that_is_brought_into_a_container(self):
        """What docker exec does: into the namespaces of a process that a daemon started."""
        box = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "sleep", "60"],
                               stdin=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(box.wait)
        self.addCleanup(box.kill)
        children = pathlib.Path(f"/proc/{box.pid}/task/{box.pid}/children")
        sandbox.wait_until(lambda: children.read_text().strip(), "the container runs")
        inner = children.read_text().split()[0]
        self.addCleanup(os.kill, int(inner), e2e.signal.SIGKILL)
        result = self.at_terminal(["nsenter", "-t", inner, "--pid", "--mount", PROBE])
        self.assert_refused(result, "in a container", "cannot be read")

    def test_no_over_ssh_with_anything_on_top(self):
        self.use_pty(True)
        session = self.spawn(e2e.client("ssh", "root", None, ["RequestTTY=force"]) +
                             ["TERM=xterm PS1='remote> ' exec bash --norc --noprofile"])
        session.expect("assword: ?$")
        session.sendline(self.passwords["root"])
        session.expect("remote> ")
        for command in (PROBE, f"sudo {PROBE}", f"su root -c {PROBE}", f"su --pty root -c {PROBE}",
                        f"runuser --pty -u root -- {PROBE}", f"script -qec {PROBE} /dev/null",
                        f"sudo script -qec 'su root -c {PROBE}' /dev/null",
                        f"sh -c '{PROBE} </dev/tty >/dev/tty'",
                        f"sh -c '{PROBE} </dev/tty1 >/dev/tty1'",
                        f"tmux -L over new {PROBE}", f"screen {PROBE}", f"setsid -w {PROBE}"):
            with self.subTest(command=command):
                session.sendline(command)
                self.assert_refused(self.outcome(), "runs below sshd", "has no terminal",
                                    "belongs to a background process")
                session.expect("remote> ")
        session.close(force=True)


if __name__ == "__main__":
    e2e.main()

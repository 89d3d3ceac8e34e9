# SPDX-License-Identifier: Apache-2.0
"""Real terminals of the machine as a person at it has them: keyboard in, screen out.

A test as root sits at a virtual terminal that nobody uses: the program's controlling terminal is
/dev/ttyN, keys come by TIOCSTI and the screen is read from /dev/vcsN.
"""

import fcntl
import os
import pwd
import signal
import subprocess
import tempfile
import termios
import time


class NoTerminal(Exception):
    """The machine has no free terminal of that kind."""


def free(names):
    """The first of these terminals that is nobody's controlling terminal."""
    for name in names:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setsid()
                fd = os.open(f"/dev/{name}", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                fcntl.ioctl(fd, termios.TIOCNOTTY)
                status = 0
            except OSError:
                pass
            os._exit(status)
        if os.waitpid(child, 0)[1] == 0:
            return name
    raise NoTerminal(f"none of {', '.join(names)} exists here and is free")


def free_virtual():
    return free([f"tty{n}" for n in range(1, 13) if os.path.exists(f"/dev/vcs{n}")])


def take(name, stdio=False):
    """For preexec_fn: makes /dev/NAME the controlling terminal of a new session, with the rights
    that the process has then, and the standard files too where `stdio` says so."""
    os.setsid()
    fd = os.open(f"/dev/{name}", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    if stdio:
        os.set_blocking(fd, True)
        for number in (0, 1, 2):
            os.dup2(fd, number)
    if fd > 2:
        os.close(fd)


def become(user):
    """For preexec_fn: the ids of a user, for good."""
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


class VirtualTerminal:
    """A program on a virtual terminal."""

    def __init__(self, command, user="root"):
        self.name = free_virtual()
        self.last_screen = None
        self.typed = 0  # keystrokes
        node = f"/dev/{self.name}"
        # As getty and login leave it: for its user and root alone.
        os.chown(node, pwd.getpwnam(user).pw_uid, 0)
        os.chmod(node, 0o600)
        with self.opened() as tty:
            tty.write(b"\x1bc")  # the screen is cleared: no text of an earlier program

        def preexec():
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # as a login shell has it
            take(self.name, stdio=True)
            if user != "root":
                become(user)

        self.child = subprocess.Popen(command, preexec_fn=preexec, close_fds=True,
                                      env={**os.environ, "TERM": "linux"})

    def opened(self):
        """Opened anew each time, since login hangs up whoever had it open."""
        return open(f"/dev/{self.name}", "r+b", buffering=0,
                    opener=lambda path, flags: os.open(path, flags | os.O_NOCTTY))

    def screen(self):
        if self.last_screen is not None:
            return self.last_screen
        with open(f"/dev/vcs{self.name[3:]}", "rb") as screen:
            text = screen.read().decode("latin-1")
        with self.opened() as tty:
            columns, rows = os.get_terminal_size(tty.fileno())
        lines = [text[n * columns:(n + 1) * columns].rstrip() for n in range(rows)]
        return "\n".join(lines).rstrip()

    def scan_qr(self):
        """What a phone reads off the screen, whose letters are white on black."""
        with open(f"/dev/vcsu{self.name[3:]}", "rb") as screen:
            text = screen.read().decode("utf-32")
        with self.opened() as tty:
            columns = os.get_terminal_size(tty.fileno()).columns
        lines = [text[n:n + columns].rstrip() for n in range(0, len(text), columns)]
        lines = [line for line in lines if line and not set(line) - set("\u2588\u2580\u2584 ")]
        width, scale = max(len(line) for line in lines) + 8, 4
        rows = []
        for line in lines:
            line = f"    {line}".ljust(width)
            rows += [[letter in half for letter in line] for half in ("\u2588\u2580", "\u2588\u2584")]
        pixels = b"".join(bytes(255 * lit for lit in row for _ in range(scale)) * scale
                          for row in rows)
        with tempfile.NamedTemporaryFile(suffix=".pgm") as picture:
            picture.write(b"P5 %d %d 255\n" % (width * scale, len(rows) * scale) + pixels)
            picture.flush()
            return subprocess.run(["zbarimg", "--quiet", "--raw", picture.name], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip()

    def wait_for(self, text, seconds=15):
        end = time.monotonic() + seconds
        while text.lower() not in self.screen().lower():
            if time.monotonic() > end:
                raise AssertionError(f"no {text!r} within {seconds} s on the screen:\n"
                                     f"{self.screen()}")
            time.sleep(0.02)

    def type(self, text, end="\n"):
        self.typed += len(text + end)
        with self.opened() as tty:
            for character in (text + end).encode():
                fcntl.ioctl(tty, termios.TIOCSTI, bytes([character]))

    def answer(self, prompt, text, end="\n"):
        """Types after the prompt has come; programs throw away what was typed before it."""
        self.wait_for(prompt)
        time.sleep(0.05)  # the prompt is on the screen a moment before the program listens
        self.type(text, end)

    def end(self, seconds=15):
        """Waits for the program to end; its exit status."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"still running:\n{self.screen()}") from None
        finally:
            self.last_screen = self.screen()

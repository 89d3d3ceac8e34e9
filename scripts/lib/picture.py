# SPDX-License-Identifier: Apache-2.0
"""Records an enrolment, a login and a recovery as they really happen, in a private root."""

import os
import re
import sys

import pexpect

import plain_trial
import private_root
import sandbox
from terminal_svg import Recording, draw

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORT = 2222
CLIENT = ("ssh -F none -p {port} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no "
          "-o LogLevel=ERROR ada@127.0.0.1")
PROFILE = "PS1='ada@nas:~$ '\nbind 'set enable-bracketed-paste off'\n"


class Scene:
    """One program on a terminal; what it prints and what is typed goes into the recording."""

    def __init__(self, recording, title, shown, command, names=()):
        self.recording = recording
        self.names = names  # what the picture shows instead of what the sandbox is called
        recording.start_line()
        if len(recording.lines) > 1:
            recording.add("\n")
        recording.add(title + "\n", "title")
        recording.add("$ ")
        recording.add(shown + "\n", "typed")
        self.child = pexpect.spawn("/bin/sh", ["-c", command], encoding="utf-8", timeout=20,
                                   echo=False, dimensions=(80, 110))
        self.child.delaybeforesend = None

    def record(self, text):
        for name, instead in self.names:
            text = text.replace(name, instead)
        self.recording.add(text)

    def answer(self, prompt, text, note=None):
        """Types an answer; `note` says in the picture what stood there unseen."""
        self.child.expect(prompt)
        self.record(self.child.before + self.child.after)
        self.child.sendline(text)
        if note:
            self.recording.add(note, "note")
        else:
            self.recording.add(text + "\n", "typed")

    def end(self):
        self.child.expect(pexpect.EOF)
        self.record(self.child.before.strip() + "\n")
        self.child.close()
        if self.child.exitstatus != 0:
            raise sandbox.SandboxError(f"exit status {self.child.exitstatus}")


def read_sheet(text):
    secret = re.search(r"secret=([A-Z2-7]+)", text)[1]
    return secret, re.findall(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b", text)


def record(build):
    sandbox.prepare()
    password = sandbox.add_account("ada", 58101, ["sudo"])
    sandbox.write("/home/ada/.bash_profile", PROFILE)
    sandbox.install_programs(build)
    sandbox.run("sparekey", "init")
    service = sandbox.start_sparekeyd()
    sshd = sandbox.start_sshd(PORT, ["ada"], "keyboard-interactive")
    recording = Recording()
    names = [("(ada@127.0.0.1) ", ""), ("127.0.0.1", "nas")]

    enrol = Scene(recording, "# An administrator enrols ada: scan the code, keep the sheet",
                  "sudo sparekey user enroll ada", "sparekey user enroll ada", names)
    enrol.child.expect("code[^\n]*: ?$")
    secret, codes = read_sheet(enrol.child.before)
    enrol.record(enrol.child.before + enrol.child.after)
    enrol.child.sendline(plain_trial.totp(secret))
    recording.add("(the code that the phone shows)\n", "note")
    enrol.end()

    def log_in(title, answers):
        scene = Scene(recording, title, "ssh ada@nas", CLIENT.format(port=PORT), names)
        for prompt, text, note in answers:
            scene.answer(prompt, text, note)
        scene.answer(r"\$ $", "exit", None)
        scene.end()

    log_in("# A login: password and one-time code",
           [("assword: ?$", password, "(hidden)"),
            ("code[^\n]*: ?$", plain_trial.totp(secret, 1), "(hidden)")])
    log_in("# The phone is gone: two backup codes of the sheet instead",
           [("assword: ?$", password, "(hidden)"),
            ("code[^\n]*: ?$", "recover", "recover"),
            ("1 of 2: ?$", codes[0], "(hidden)"), ("2 of 2: ?$", codes[1], "(hidden)")])
    sshd.stop()
    service.stop()
    return draw(recording, "Enrolment, login and recovery with sparekey in a terminal")


def main():
    build, picture = sys.argv[1:]
    reason = private_root.missing_rights()
    if reason:
        sys.exit(f"scripts/picture: {reason}")
    over_usr = [] if os.path.exists(sandbox.SSHD) else [
        os.path.join(ROOT, "build/packages/openssh-server/usr")]
    with open(picture, "w") as file:  # opened out here: in there it would be gone with the sandbox
        private_root.enter(keep=sorted({ROOT, build}), over_usr=over_usr, hostname="nas")
        file.write(record(build))


if __name__ == "__main__":
    main()

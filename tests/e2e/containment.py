# SPDX-License-Identifier: Apache-2.0
"""Live SSH sessions of every kind, and lockouts by the API, for the tests of containment."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

import e2e
import sandbox

BARE_PORT = 2223  # of an sshd without sparekey in its PAM stack
KINDS = ("command", "terminal", "sftp", "forward", "master", "bare")
UP = "stty -echo 2>/dev/null; echo up; exec cat"
LINE = "closed by sparekey: "
_numbers = iter(range(20000, 40000))


def api(method, path, body=None, socket_path=sandbox.API_SOCKET):
    """Status and JSON of one request."""
    text = json.dumps(body).encode() if body is not None else b""
    answer = sandbox.request(method, path, socket_path, 10, text)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head, f"{method} {path}: no answer"
    return int(head.split()[1]), json.loads(rest) if rest else None


def expect(status, method, path, body=None, socket_path=sandbox.API_SOCKET):
    got, answer = api(method, path, body, socket_path)
    assert got == status, f"{method} {path}: {got} {answer}"
    return answer


def opening(account, door="ssh"):
    return {"account": account, "door": door, "service": "sshd", "remote_host": "192.0.2.9",
            "first_factor": "password"}


def fail_code(account, code):
    """A wrong one-time code, as a terminal sends it in one trip."""
    said = expect(200, "POST", "/v1/logins", {**opening(account), "answers": {"code": code}},
                  sandbox.PAM_SOCKET)
    assert said["reason"] == "wrong_code", said


def fail_recovery(account, door="ssh"):
    """A wrong set of backup codes."""
    login = expect(200, "POST", "/v1/logins",
                   {**opening(account, door), "answers": {"code": "recover"}}, sandbox.PAM_SOCKET)
    answers = {"backup_code_1": "0000-0000-0000-0000", "backup_code_2": "1111-1111-1111-1111"}
    said = expect(200, "POST", f"/v1/logins/{login['login']}/answers", {"answers": answers},
                  sandbox.PAM_SOCKET)
    assert said["reason"] == "wrong_codes", said


def open_gates():
    """Opens every gate, as soon as nobody is being thrown out any more."""
    sandbox.wait_until(lambda: api("PUT", "/v1/ssh-gate", {"state": "open"})[0] == 200,
                       "the gate can be opened")


class Session:
    """One connection of a stock client, of a kind."""

    def __init__(self, user, kind, key, stopped=False):
        self.user, self.kind, self.stopped = user, kind, stopped
        self.output = tempfile.TemporaryFile()
        self.clients, self.ended_at, self.ready = [], None, False
        self.port = next(_numbers)
        self.path = f"/run/sandbox/cm{self.port}"
        options = {"terminal": ["RequestTTY=force"],
                   "master": ["ControlMaster=yes", f"ControlPath={self.path}"]}.get(kind, [])
        command = e2e.client("ssh", user, key, options)
        if kind == "bare":
            command[command.index(str(e2e.PORT))] = str(BARE_PORT)
        if kind in ("forward", "master"):
            command[1:1] = ["-N", "-L", f"{self.port}:127.0.0.1:1"]
        if kind == "sftp":  # the subsystem itself, since sftp(1) at its prompt sees no end
            self.start(command[:1] + ["-s"] + command[1:] + ["sftp"])
            self.clients[0].stdin.write(b"\0\0\0\5\1\0\0\0\3")  # SSH_FXP_INIT, version 3
            self.clients[0].stdin.flush()
        else:
            self.start(command + ([] if kind in ("forward", "master") else [UP]))

    def start(self, command):
        self.clients.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.output,
                                             stderr=subprocess.DEVNULL))

    def text(self):
        self.output.seek(0)
        text = self.output.read().decode(errors="replace")
        self.output.seek(0, os.SEEK_END)
        return text

    def is_up(self):
        if self.ready:
            return True
        if self.kind == "sftp":
            self.ready = self.text() != ""
        elif self.kind in ("forward", "master") and len(self.clients) == 1:
            self.ready = sandbox.answers(self.port)
            if self.ready and self.kind == "master":
                self.add_channels()
        else:
            self.ready = self.text().count("up") >= max(1, len(self.clients) - 1)
        return self.ready

    def add_channels(self):
        """Two more sessions in the master's connection, one of them with a terminal."""
        self.ready = False
        for option in ([], ["RequestTTY=force"]):
            command = e2e.client("ssh", self.user, None, [f"ControlPath={self.path}"] + option)
            self.start(command + [UP])

    def has_terminal(self):
        return self.kind in ("terminal", "master")

    def lives(self):
        """Whether any client of it is still connected; keeps the moment when none was."""
        if self.ended_at is None and all(one.poll() is not None for one in self.clients):
            self.ended_at = time.monotonic()
        return self.ended_at is None

    def close(self):
        for one in self.clients:
            one.kill()
            one.wait()
            with contextlib.suppress(BrokenPipeError):
                one.stdin.close()
        self.output.close()

    def __repr__(self):
        return f"{self.kind} of {self.user}"


def wait_up(sessions):
    def all_up():
        for one in sessions:
            assert one.is_up() or one.lives(), f"{one} did not begin: {one.text()}"
        return all(one.is_up() for one in sessions)

    sandbox.wait_until(all_up, "the sessions begin", 30)


def wait_gone(sessions, seconds):
    """Waits until all have ended; those that have not."""
    end = time.monotonic() + seconds
    while any([one.lives() for one in sessions]) and time.monotonic() < end:
        time.sleep(0.002)
    return [one for one in sessions if one.lives()]


def processes():
    """pid -> (parent, real uid, program, what it calls itself) of every process."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/status") as file:
                status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
            with open(f"/proc/{name}/cmdline", "rb") as file:
                title = file.read().split(b"\0")[0].decode(errors="replace")
            found[int(name)] = (int(status["PPid"]), int(status["Uid"].split()[0]),
                                os.readlink(f"/proc/{name}/exe"), title)
        except OSError:
            pass
    return found


def children_of_sshd(uid):
    """sshd's processes with that user's rights."""
    all_of_them = processes()
    return [pid for pid, (parent, owner, program, _) in all_of_them.items()
            if owner == uid and program == sandbox.SSHD and
            all_of_them.get(parent, (0, 1))[1] == 0]

# SPDX-License-Identifier: Apache-2.0
"""Accounts, PAM files, sshd and sparekeyd inside a private root: what a trial and the tests share."""

import os
import pwd
import secrets
import signal
import socket
import subprocess
import time

LOGS = "/run/sandbox"
SSHD = "/usr/sbin/sshd"
API_SOCKET = "/run/sparekey/api.sock"
PAM_SOCKET = "/run/sparekey/pam.sock"

# The lines that the administrator's guide gives, after a plain first factor.
_AUTH = "auth requisite pam_unix.so nodelay\nauth required pam_sparekey.so {options}\n"
_REST = ("account required pam_unix.so\naccount required pam_sparekey.so {options}\n"
         "session required pam_unix.so\nsession optional pam_sparekey.so {options}\n")
PASSWORD_AND_CODE = _AUTH + _REST
CODE_ONLY = "auth required pam_sparekey.so {options}\n" + _REST  # the key is the first factor
PASSWORD_ONLY = ("auth requisite pam_unix.so nodelay\naccount required pam_unix.so\n"
                 "session required pam_unix.so\n")
_SU = "auth sufficient pam_rootok.so\n" + PASSWORD_AND_CODE
_PASSWD = "password required pam_unix.so sha512 rounds=1000\n"
_DENY = "".join(f"{kind} required pam_deny.so\n"
                for kind in ("auth", "account", "password", "session"))


class SandboxError(Exception):
    """The sandbox could not be made; the message is for people."""


def run(*command, **options):
    """Runs a command that must succeed; its output is in the error otherwise."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **{"stdin": subprocess.DEVNULL, **options})
    if done.returncode != 0:
        raise SandboxError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def wait_until(claim, what, seconds=15.0):
    """Waits until claim() is true. Polls, since what it waits for is another process."""
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            raise SandboxError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.01)


def new_password():
    return secrets.token_urlsafe(9)


def answers(port):
    """Whether somebody listens on that port of 127.0.0.1."""
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def set_pam(service, text, options=""):
    write(f"/etc/pam.d/{service}", text.format(options=options))


def prepare():
    """Makes PAM files, folders and names that do not depend on what the host has."""
    for folder in (LOGS, "/run/sshd", "/run/lock"):
        os.makedirs(folder, exist_ok=True)
    run("rm", "-rf", "/etc/pam.d")
    set_pam("sshd", PASSWORD_AND_CODE)
    set_pam("login", PASSWORD_AND_CODE)
    for service in ("su", "su-l"):
        set_pam(service, _SU)
    set_pam("passwd", _PASSWD)
    set_pam("chpasswd", "auth sufficient pam_rootok.so\naccount required pam_permit.so\n" + _PASSWD)
    set_pam("other", _DENY)
    # What the installed service "sparekey" includes.
    set_pam("common-auth", "auth required pam_unix.so nodelay\n")
    set_pam("common-account", "account required pam_unix.so\n")
    write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        run("useradd", "--system", "--no-create-home", "--home-dir", "/run/sshd", "--shell",
            "/usr/sbin/nologin", "sshd")


def set_password(name, password):
    run("chpasswd", input=f"{name}:{password}\n", stdin=None)


def add_account(name, uid, groups=()):
    """An account with a home and a password, which is returned. The uid is one that nobody on a
    usual host has, so that no process in here belongs to a person outside."""
    for group in groups:
        run("groupadd", "--force", group)
    run("useradd", "--create-home", "--shell", "/bin/bash", "--uid", str(uid), "--no-log-init",
        *(["--groups", ",".join(groups)] if groups else []), name)
    password = new_password()
    set_password(name, password)
    return password


class Process:
    """A service in the sandbox with its log file; ends with stop()."""

    def __init__(self, name, *command, environment=None):
        self.log = f"{LOGS}/{name}.log"
        with open(self.log, "ab") as log:
            self.log_begin = log.tell()
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, start_new_session=True,
                                          env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Ends it, in the end by force; its exit status."""
        if self.is_running():
            self.send(number)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait()

    def log_tail(self, lines=30):
        with open(self.log, errors="replace") as log:
            log.seek(self.log_begin)
            return "".join(log.readlines()[-lines:])


def _supports(option):
    """Whether this sshd knows an option (old ones lack it)."""
    done = subprocess.run([SSHD, "-t", "-f", "/etc/ssh/sandbox_config", "-o", option], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def start_sshd(port, users, methods, *options):
    """A stock sshd on 127.0.0.1 that lets in `users` only."""
    if not os.path.exists(SSHD):
        raise SandboxError(f"{SSHD} is missing; scripts/test and scripts/run bring it")
    key = "/etc/ssh/sandbox_host_key"
    if not os.path.exists(key):
        os.makedirs("/etc/ssh", exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", key)
    write("/etc/ssh/sandbox_config", f"""ListenAddress 127.0.0.1
Port {port}
HostKey {key}
PidFile none
AllowUsers {' '.join(users)}
PermitRootLogin yes
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PrintMotd no
UseDNS no
LogLevel VERBOSE
MaxStartups 200
MaxAuthTries 50
MaxSessions 50
Subsystem sftp /usr/lib/openssh/sftp-server
""")
    # OpenSSH 9.8 keeps an address out for a while after failures; here all come from one.
    extra = [f"-o{option}" for option in ("PerSourcePenalties no",) if _supports(option)]
    extra += [f"-o{option}" for option in (f"AuthenticationMethods {methods}",) + options]
    sshd = Process("sshd", SSHD, "-D", "-e", "-f", "/etc/ssh/sandbox_config", *extra)
    wait_until(lambda: not sshd.is_running() or answers(port), "sshd answers")
    if not sshd.is_running():
        raise SandboxError(f"sshd did not start:\n{sshd.log_tail()}")
    return sshd


def install_programs(build):
    """Installs sparekey from a build folder, the way the README does."""
    run("cmake", "--install", build, "--prefix", "/usr")
    sanitized = os.environ.get("SPAREKEY_SANITIZED")
    if sanitized:
        run("install", f"{sanitized}/service/sparekeyd", "/usr/sbin/sparekeyd")
        run("install", f"{sanitized}/cli/sparekey", "/usr/bin/sparekey")


def request(method, path, socket_path=API_SOCKET, seconds=3, body=b""):
    """One HTTP request over a Unix socket; the raw answer, empty when there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(seconds)
            sock.connect(socket_path)
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: sparekey\r\n"
                         f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() +
                         body)
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
            return answer
    except OSError:
        return b""


def is_healthy():
    return b" 200 " in request("GET", "/v1/health").split(b"\r\n")[0]


def start_sparekeyd(environment=None):
    os.makedirs("/run/sparekey", mode=0o755, exist_ok=True)  # tmpfiles.d makes it on a booted system
    service = Process("sparekeyd", "/usr/sbin/sparekeyd", environment=environment)
    wait_until(lambda: not service.is_running() or is_healthy(), "sparekeyd answers")
    if not service.is_running():
        raise SandboxError(f"sparekeyd did not start:\n{service.log_tail()}")
    return service

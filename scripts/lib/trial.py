# SPDX-License-Identifier: Apache-2.0
"""The trial of scripts/run: sparekey with an sshd and two accounts, and nothing of the host changed."""

import argparse
import os
import signal
import subprocess
import sys

import plain_trial
import private_root
import sandbox

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADMINISTRATOR, USER = ("ada", 58101, ["sudo"]), ("bob", 58102, [])
ACCOUNTS = (ADMINISTRATOR, USER)
METHODS = "publickey,keyboard-interactive keyboard-interactive"

WHAT_TO_TRY = """
The trial runs. Nothing of this machine changes; Ctrl-C ends it and leaves nothing behind.

    {names[0]}  {passwords[0]}  (administrator)
    {names[1]}  {passwords[1]}

Try in a second terminal, in {root}:

    sudo scripts/run shell{port} sparekey user enroll ada
        Scan the QR code with an authenticator app; keep the backup codes.
    scripts/run ssh{port} ada
        The password above, then the one-time code. Type "recover" instead of a code to get in with
        two backup codes. Any other ssh client will do: port {number} of 127.0.0.1.
    sudo scripts/run shell{port}
        A root shell in the trial: sparekey status, sparekey help.
    sudo scripts/run shell{port} sparekey console reset --system
        Five wrong codes lock an account; ten failed recoveries of ada shut everybody out until this.
        In the trial every root shell counts as the console for it (console.allow = root); on a real
        machine only a local terminal does.

Events:"""


def say(text=""):
    print(text, flush=True)


class Ended(Exception):
    """Somebody wants the trial to end."""


def end_on_signals():
    def end(_number, _frame):
        raise Ended

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


class Trial:
    """Everything that runs in a trial."""

    def __init__(self, options):
        self.options = options
        self.passwords = []
        self.services = []

    def start(self):
        sandbox.prepare()
        self.passwords = [sandbox.add_account(*account) for account in ACCOUNTS]
        sandbox.install_programs(self.options.build)
        sandbox.write("/etc/sparekey/sparekey.conf", "console.allow = root\n")
        sandbox.run("sparekey", "init")
        self.services.append(sandbox.start_sparekeyd())
        self.services.append(sandbox.start_sshd(self.options.port,
                                                [name for name, *_ in ACCOUNTS], METHODS))

    def tell(self):
        port = "" if self.options.port == 2222 else f" --port {self.options.port}"
        say(WHAT_TO_TRY.format(names=[name for name, *_ in ACCOUNTS], passwords=self.passwords,
                               root=ROOT, port=port, number=self.options.port))

    def show_events(self):
        """Until it is interrupted, or a service ends by itself."""
        events = subprocess.Popen(["sparekey", "events", "--follow"], stdin=subprocess.DEVNULL,
                                  start_new_session=True)
        try:
            ended, _ = os.waitpid(-1, 0)
        finally:
            events.terminate()
        for service in self.services:
            if service.pid == ended:
                say(f"{service.child.args[0]} ended by itself:\n{service.log_tail()}")
                return 1
        say("sparekey events ended by itself.")
        return 1

    def stop(self):
        for service in reversed(self.services):
            service.stop()


def self_test(trial):
    """One enrolment and one login, as a person would make them."""
    made = plain_trial.sparekey_json("user", "enroll", "ada", "--no-confirm")
    answers = {"password": trial.passwords[0], "code": plain_trial.totp(made["secret"])}
    sandbox.write("/run/sandbox/askpass", "#!/bin/sh\ncase $1 in\n"
                  f"*ode*) echo '{answers['code']}' ;;\n*) echo '{answers['password']}' ;;\nesac\n",
                  0o700)
    environment = {**os.environ, "SSH_ASKPASS": "/run/sandbox/askpass",
                   "SSH_ASKPASS_REQUIRE": "force"}
    done = subprocess.run(["ssh", "-F", "none", "-p", str(trial.options.port), "-o",
                           "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no",
                           "-o", "NumberOfPasswordPrompts=1", "ada@127.0.0.1", "id -un"],
                          env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    accepted = done.returncode == 0 and done.stdout.strip() == "ada"
    say(f"Self-test: ada enrolled; ssh with password and one-time code "
        f"{'accepted' if accepted else 'DENIED: ' + done.stderr}")
    return 0 if accepted else 1


def in_private_root(options):
    over_usr = [os.path.join(ROOT, "build/packages/openssh-server/usr")]
    if os.path.exists(sandbox.SSHD):
        over_usr = []
    private_root.enter(keep=sorted({ROOT, options.build}), over_usr=over_usr, own_network=False,
                       name=f"trial-{options.port}")
    trial = Trial(options)
    end_on_signals()
    try:
        trial.start()
        if options.self_test:
            return self_test(trial)
        trial.tell()
        return trial.show_events()
    except sandbox.SandboxError as error:
        say(f"The trial could not start: {error}")
        return 1
    except Ended:
        say("\nThe trial has ended; nothing is left of it.")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        trial.stop()


def main():
    parser = argparse.ArgumentParser(prog="scripts/run")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    missing = "asked for with --plain" if options.plain else private_root.missing_rights()
    if missing:
        say(f"No full trial: {missing}.\nWhat works without it: the service, the command line, and "
            "a login through libpam, in a state folder.\n")
        sys.exit(plain_trial.run(options.build, options.self_test))
    if sandbox.answers(options.port):
        sys.exit(f"Port {options.port} of 127.0.0.1 is taken. Choose another: "
                 f"sudo scripts/run --port {options.port + 1}")
    sys.exit(in_private_root(options))


if __name__ == "__main__":
    main()

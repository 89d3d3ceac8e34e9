# SPDX-License-Identifier: Apache-2.0
"""A trial without root or namespaces: sparekeyd, the command line and libpam in a state folder."""

import base64
import hashlib
import hmac
import json
import os
import pwd
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

WHAT_HAPPENS = """This machine's account {name} gets a second factor in {state}, and nowhere else.
The command line there, from a second terminal:
    {sparekey} --state-dir {state} status
"""


class Ended(Exception):
    """Somebody wants it to end."""


def totp(secret, ahead=0):
    """The one-time code of now or some steps ahead (RFC 6238, SHA-1, 30 s, 6 digits)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def sparekey_json(*arguments, program=("sparekey",)):
    done = subprocess.run([*program, "--json", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"sparekey {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


def find(build, name):
    for folder, _, names in os.walk(build):
        path = os.path.join(folder, name)
        if name in names and "CMakeFiles" not in folder and os.access(path, os.X_OK):
            return path
    sys.exit(f"{name} is not in {build}")


def write_pam_folder(state, module):
    """No password here: a user cannot check one. So whoever knows the name may try codes."""
    folder = f"{state}/pam.d"
    os.mkdir(folder)
    line = f"required {module} socket={state}/pam.sock first_factor=none"
    for service in ("trial", "other"):
        with open(f"{folder}/{service}", "w") as file:
            file.write(f"auth {line}\naccount required pam_permit.so\naccount {line}\n")
    return folder


def log_in(name, folder, code=None):
    command = [sys.executable, "-B", f"{HERE}/pam_login.py", "trial", name, "--confdir", folder]
    if code is None:
        return subprocess.run(command, check=False).returncode
    done = subprocess.run(command, input=code + "\n", text=True, capture_output=True, check=False)
    print(done.stdout, end="", flush=True)
    return done.returncode


def converse(name, sparekey, folder):
    """Enrols with the person at the terminal and lets them log in until they have enough."""
    if subprocess.run([*sparekey, "user", "enroll", name], check=False).returncode != 0:
        return 1
    while True:
        print(f"\nA login of {name} through libpam (Ctrl-C ends the trial):", flush=True)
        log_in(name, folder)


def test(name, sparekey, folder):
    made = sparekey_json("user", "enroll", name, "--no-confirm", program=sparekey)
    status = log_in(name, folder, totp(made["secret"]))
    print(f"Self-test: {name} enrolled; login through libpam "
          f"{'accepted' if status == 0 else 'DENIED'}", flush=True)
    return status


def wait_until_up(service, socket_path):
    end = time.monotonic() + 15
    while not os.path.exists(socket_path):
        if service.poll() is not None or time.monotonic() > end:
            raise RuntimeError("sparekeyd did not start")
        time.sleep(0.02)


def end(_number, _frame):
    raise Ended


def run(build, self_test):
    name = pwd.getpwuid(os.geteuid()).pw_name
    state = tempfile.mkdtemp(prefix="sparekey-trial-")
    sparekey = [find(build, "sparekey"), "--state-dir", state]
    service = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        subprocess.run([*sparekey, "init"], check=True, stdout=subprocess.DEVNULL)
        with open(f"{state}/sparekeyd.log", "w") as log:
            service = subprocess.Popen([find(build, "sparekeyd"), "--state-dir", state], stdout=log,
                                       stderr=log, start_new_session=True)
        wait_until_up(service, f"{state}/pam.sock")
        folder = write_pam_folder(state, find(build, "pam_sparekey.so"))
        if self_test:
            return test(name, sparekey, folder)
        print(WHAT_HAPPENS.format(name=name, state=state, sparekey=sparekey[0]), flush=True)
        return converse(name, sparekey, folder)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except Ended:
        print("\nThe trial has ended; nothing is left of it.", flush=True)
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if service and service.poll() is None:
            service.terminate()
            service.wait()
        shutil.rmtree(state)

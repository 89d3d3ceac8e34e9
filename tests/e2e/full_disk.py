# SPDX-License-Identifier: Apache-2.0
"""A state folder on a small disk of its own, and that disk full to the last byte."""

import os
import subprocess

import private_root
import sandbox

STATE = "/var/lib/sparekey"
FILLER = f"{STATE}/filler"


def move_state(test):
    """Puts the state folder of a running test on a disk of 4 MiB until the test ends."""
    test.service.stop()
    os.rename(STATE, STATE + ".made")
    os.mkdir(STATE, 0o700)
    private_root.mount("none", STATE, "tmpfs", 0, "size=4m,mode=700")
    test.addCleanup(subprocess.run, ["umount", "-l", STATE], check=True)
    test.addCleanup(test.end_service)
    subprocess.run(["cp", "-a", STATE + ".made/.", STATE], check=True)
    subprocess.run(["rm", "-rf", STATE + ".made"], check=True)
    test.service = sandbox.start_sparekeyd()


def fill():
    with open(FILLER, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def empty():
    os.unlink(FILLER)

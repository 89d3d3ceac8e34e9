# SPDX-License-Identifier: Apache-2.0
"""usage: in_private_root.py USER COMMAND… : runs a command as that user inside a private root."""

import os
import sys

import e2e
import private_root
import terminal

private_root.enter(keep=sorted({e2e.ROOT, os.environ["SPAREKEY_BUILD"]}))
terminal.become(sys.argv[1])
os.environ["HOME"] = "/tmp"
os.execvp(sys.argv[2], sys.argv[2:])

# SPDX-License-Identifier: Apache-2.0
"""A terminal server in its smallest form: runs a program on a pseudo-terminal of its own."""

import os
import pty
import sys

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))

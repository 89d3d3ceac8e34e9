# SPDX-License-Identifier: Apache-2.0
"""Fails on an #include that the folder table of docs/architecture.md forbids."""

import os
import re
import sys
import tempfile
import unittest

MAY_INCLUDE = {
    "core": {"core"},
    "backupcodes": {"backupcodes", "core"},
    "lockout": {"lockout", "core"},
    "service": {"service", "core", "backupcodes", "lockout"},
    "pam": {"pam"},
    "cli": {"cli", "core", "service", "backupcodes"},
}
# pam_sparekey.so runs inside sshd: of core the light part only, of service the client only.
PAM_MAY_INCLUDE = {"core/base32.h", "core/clock.h", "core/json_reader.h", "core/json_writer.h",
                   "core/local_console.h", "core/random.h", "core/result.h", "core/secret.h",
                   "core/utf8.h", "service/client.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]((\w+)/[\w/.]+)[">]')
GUARDED = set(MAY_INCLUDE) | {"tests"}


def sources(root):
    for folder in MAY_INCLUDE:
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith((".cc", ".h")):
                    yield folder, os.path.join(where, name)


def forbidden(root):
    """Every forbidden include as "file:line: folder may not include header"."""
    found = []
    for folder, path in sources(root):
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                match = INCLUDE.match(line)
                if not match or match[2] not in GUARDED or match[2] in MAY_INCLUDE[folder]:
                    continue
                if folder == "pam" and match[1] in PAM_MAY_INCLUDE:
                    continue
                found.append(f"{os.path.relpath(path, root)}:{number}: "
                             f"{folder} may not include {match[1]}")
    return found


class Includes(unittest.TestCase):
    root = "."

    def in_tree(self, path, text):
        with tempfile.TemporaryDirectory() as tree:
            os.makedirs(os.path.join(tree, os.path.dirname(path)))
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write(text)
            return forbidden(tree)

    def test_this_tree_keeps_to_the_table(self):
        self.assertEqual(forbidden(self.root), [])
        self.assertGreater(len(list(sources(self.root))), 10)

    def test_the_two_modules_never_see_each_other(self):
        self.assertEqual(len(self.in_tree("lockout/a.cc", '#include "backupcodes/codes.h"\n')), 1)
        self.assertEqual(len(self.in_tree("backupcodes/a.cc", '#include "lockout/decide.h"\n')), 1)

    def test_core_includes_nothing_above_it(self):
        self.assertEqual(len(self.in_tree("core/a.h", '#  include <service/config.h>\n')), 1)

    def test_pam_sees_the_light_part_and_the_client_only(self):
        self.assertEqual(len(self.in_tree("pam/a.cc", '#include "core/store.h"\n')), 1)
        self.assertEqual(self.in_tree("pam/a.cc", '#include "service/client.h"\n'), [])

    def test_nothing_but_tests_includes_tests(self):
        self.assertEqual(len(self.in_tree("cli/a.cc", '#include "tests/support/x.h"\n')), 1)

    def test_system_headers_are_not_our_folders(self):
        self.assertEqual(self.in_tree("core/a.cc", "#include <sys/types.h>\n"), [])


if __name__ == "__main__":
    Includes.root = sys.argv.pop(1) if len(sys.argv) > 1 else "."
    unittest.main()

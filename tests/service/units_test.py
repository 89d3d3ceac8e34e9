#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Installs packaging/ below a temporary prefix and lets systemd judge it.

usage: units_test.py CMAKE BUILD_FOLDER_OF_PACKAGING
"""
import glob
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import unittest

CMAKE, PACKAGING = sys.argv[1:3]


class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sparekey-units-")
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name) / "usr"
        subprocess.run([CMAKE, "--install", PACKAGING, "--prefix", str(self.prefix)],
                       check=True, stdout=subprocess.DEVNULL)
        self.units = self.prefix / "lib/systemd/system"
        daemon = self.prefix / "sbin/sparekeyd"
        daemon.parent.mkdir(parents=True)
        daemon.write_text("#!/bin/sh\n")
        daemon.chmod(0o755)

    def run_and_read(self, *command):
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout + (f"exit status {done.returncode}" if done.returncode else "")

    def verify(self):
        # The man page is looked for below: it is not installed here.
        return self.run_and_read("systemd-analyze", "verify", "--man=no",
                                 *map(str, sorted(self.units.iterdir())))

    def test_systemd_has_nothing_to_say(self):
        self.assertEqual(sorted(unit.name for unit in self.units.iterdir()),
                         ["sparekeyd-pam.socket", "sparekeyd.service", "sparekeyd.socket"])
        self.assertEqual(self.verify(), "")

    def test_systemd_would_have_said_something(self):
        unit = self.units / "sparekeyd.service"
        unit.write_text(unit.read_text().replace("KillMode=", "KilMode="))
        self.assertIn("KilMode", self.verify())

    def test_the_service_is_the_installed_one(self):
        self.assertIn(f"ExecStart={self.prefix}/sbin/sparekeyd\n",
                      (self.units / "sparekeyd.service").read_text())

    def test_the_man_page_that_the_service_names_is_in_the_tree(self):
        name, number = re.search(r"^Documentation=man:(\w+)\((\d)\) ",
                                 (self.units / "sparekeyd.service").read_text(), re.M).groups()
        pages = pathlib.Path(__file__).parents[2] / "docs/man"
        self.assertTrue((pages / f"{name}.{number}").exists())

    def setting(self, name):
        values = re.findall(rf"^{name}=(.*)$", (self.units / "sparekeyd.service").read_text(), re.M)
        self.assertEqual(len(values), 1, name)
        return values[0].split()

    def test_the_c_library_takes_its_tunable(self):
        name, value = self.setting("Environment")[0].split("=", 1)
        tunable, wanted = value.split("=")
        machine = platform.machine().replace("_", "-")
        loader = glob.glob(f"/lib*/ld-linux-{machine}.so.*")[0]
        listed = subprocess.run([loader, "--list-tunables"], env={name: value}, text=True,
                                stdout=subprocess.PIPE, check=True).stdout
        self.assertIn(f"{tunable}: {int(wanted):#x} ", listed)

    def system_calls(self, group):
        listed = self.run_and_read("systemd-analyze", "syscall-filter", group)
        names = set()
        for line in listed.splitlines()[1:]:
            word = line.strip()
            if word.startswith("@"):
                names |= self.system_calls(word)
            elif word and not word.startswith("#"):
                names.add(word)
        return names

    def test_the_unit_lets_a_child_check_passwords(self):
        # Reading /etc/shadow, writing faillock's records, and PAM's log of the kernel.
        self.assertLessEqual({"CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", "CAP_AUDIT_WRITE",
                              "CAP_CHOWN", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"},
                             set(self.setting("CapabilityBoundingSet")))
        allowed = set().union(*map(self.system_calls, self.setting("SystemCallFilter")))
        self.assertLessEqual({"pipe2", "vfork", "clone", "execve", "setsid", "dup2", "close_range",
                              "pidfd_open", "poll", "kill", "wait4", "eventfd2", "prctl", "chdir",
                              "setrlimit", "prlimit64"}, allowed)
        self.assertNotIn("ptrace", allowed)  # the groups are read as they are meant
        # They would hide accounts, PAM's files or a directory's sockets from it.
        for name in ("PrivateUsers", "PrivateNetwork", "InaccessiblePaths", "TemporaryFileSystem",
                     "DynamicUser", "RootDirectory"):
            self.assertNotIn(f"\n{name}=", (self.units / "sparekeyd.service").read_text())

    def test_the_unit_lets_sessions_be_ended(self):
        # Whose program a process runs, signals to anybody's, and writing to a user's terminal.
        self.assertLessEqual({"CAP_KILL", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"},
                             set(self.setting("CapabilityBoundingSet")))
        allowed = set().union(*map(self.system_calls, self.setting("SystemCallFilter")))
        self.assertLessEqual({"pidfd_open", "pidfd_send_signal", "poll"}, allowed)
        for name in ("ProtectProc", "ProcSubset", "PrivateDevices", "PrivatePIDs"):
            self.assertNotIn(f"\n{name}=", (self.units / "sparekeyd.service").read_text())

    def test_pam_has_the_service_that_checks_passwords(self):
        lines = (self.prefix / "lib/pam.d/sparekey").read_text().splitlines()
        self.assertEqual([line for line in lines if line and not line.startswith("#")],
                         ["@include common-auth", "@include common-account"])

    def test_tmpfiles_makes_the_folders(self):
        root = self.prefix.parent / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\n")
        said = self.run_and_read("systemd-tmpfiles", f"--root={root}", "--create",
                                 str(self.prefix / "lib/tmpfiles.d/sparekey.conf"))
        modes = {path: (root / path).stat().st_mode & 0o777
                 for path in ("run/sparekey", "var/lib/sparekey", "etc/sparekey/notify.d")
                 if (root / path).exists()}
        self.assertEqual(modes, {"run/sparekey": 0o755, "var/lib/sparekey": 0o700,
                                 "etc/sparekey/notify.d": 0o755}, said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

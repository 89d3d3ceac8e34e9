# SPDX-License-Identifier: Apache-2.0
"""What sparekeyd logs, read by the programs of others: fail2ban, rsyslog, logrotate. About 10 s."""

import glob
import json
import os
import shutil
import subprocess
import sys

import e2e
import sandbox

PACKAGES = os.path.join(e2e.ROOT, "build/packages")
EXAMPLES = "/usr/share/doc/sparekey/examples"
LOG = "/var/log/sparekey.log"
HOSTILE = ["192.0.2.66 verdict=deny", "x host=192.0.2.66 verdict=deny reason=wrong_code",
           "192.0.2.66\nlogin account=ada door=ssh service=sshd host=192.0.2.66 verdict=deny "
           "reason=wrong_code", "192.0.2.66\\x20", "evil.example.net", "192.0.2.66\u2028", "\x1b[2J"]


def packaged(package, path):
    """A program that is unpacked beside the tree, or installed."""
    unpacked = f"{PACKAGES}/{package}{path}"
    return unpacked if os.path.exists(unpacked) else path


def read(path):
    """Empty where there is no such file."""
    if not os.path.exists(path):
        return ""
    with open(path, newline="\n") as file:
        return file.read()


def modules():
    found = glob.glob(f"{PACKAGES}/rsyslog/usr/lib/*/rsyslog") + glob.glob("/usr/lib/*/rsyslog")
    return found[0]


class Logs(e2e.SparekeyTest):

    def setUp(self):
        super().setUp()
        self.syslog()
        self.service.stop()
        # As under a service manager: nobody reads its standard error.
        self.service = sandbox.Process("sparekeyd", "/bin/sh", "-c",
                                       "exec /usr/sbin/sparekeyd 2>/dev/null")
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers")

    def syslog(self):
        """A real rsyslogd with the example's rule."""
        os.makedirs("/etc/rsyslog.d", exist_ok=True)
        shutil.copy(f"{EXAMPLES}/rsyslog/sparekey.conf", "/etc/rsyslog.d/30-sparekey.conf")
        sandbox.write("/etc/rsyslog.conf", 'module(load="imuxsock")\n'
                      "$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n"
                      "$IncludeConfig /etc/rsyslog.d/30-sparekey.conf\n"
                      "*.* /var/log/everything\n")
        for path in glob.glob("/var/log/sparekey.log*") + ["/dev/log"]:
            if os.path.lexists(path):
                os.unlink(path)
        self.rsyslogd = sandbox.Process("rsyslogd", packaged("rsyslog", "/usr/sbin/rsyslogd"), "-n",
                                        "-i", "NONE", "-M", modules())
        self.addCleanup(self.rsyslogd.stop)
        sandbox.wait_until(lambda: os.path.exists("/dev/log"), "rsyslogd listens")

    def attempt(self, name="ada", code="000000", host="192.0.2.7", service="sshd", reason=None):
        body = {"account": name, "door": "ssh", "service": service, "remote_host": host,
                "first_factor": "password", "answers": {"code": code}}
        answer = sandbox.request("POST", "/v1/logins", "/run/sparekey/pam.sock",
                                 body=json.dumps(body).encode())
        if reason:
            self.assertEqual(json.loads(answer.split(b"\r\n\r\n", 1)[1])["reason"], reason)

    def lines(self, count, path=LOG):
        """Once the log holds so many lines about verdicts."""
        def found():
            return [line for line in read(path).splitlines(keepends=True)
                    if " verdict=" in line or " refused " in line]
        sandbox.wait_until(lambda: len(found()) >= count, f"{count} lines are written")
        return found()

    def matches(self, lines):
        """The addresses that fail2ban's own program finds in these lines."""
        sandbox.write("/run/sandbox/lines", "".join(lines))
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                           PYTHONPATH=f"{PACKAGES}/fail2ban/usr/lib/python3/dist-packages")
        done = subprocess.run(
            [sys.executable, packaged("fail2ban", "/usr/bin/fail2ban-regex"), "--config",
             packaged("fail2ban", "/etc/fail2ban"), "--out", "ip", "/run/sandbox/lines",
             "/etc/fail2ban/filter.d/sparekey.conf"],
            env=environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.split()

    def install_filter(self):
        """fail2ban looks for what the filter includes beside it."""
        shutil.copytree(packaged("fail2ban", "/etc/fail2ban"), "/etc/fail2ban", dirs_exist_ok=True)
        shutil.copy(f"{EXAMPLES}/fail2ban/filter.d/sparekey.conf", "/etc/fail2ban/filter.d")
        shutil.copy(f"{EXAMPLES}/fail2ban/jail.d/sparekey.conf", "/etc/fail2ban/jail.d")

    def test_fail2ban_finds_the_hosts_of_wrong_codes_and_nothing_else(self):
        self.install_filter()
        phone = self.phones["ada"]
        good = phone.code()
        self.attempt(code=phone.wrong_code(), host="192.0.2.1", reason="wrong_code")
        self.attempt(code=good, host="192.0.2.2", reason="accepted")
        self.attempt(code=good, host="2001:db8::3", reason="wrong_code")  # a replay
        self.attempt(code="password", host="192.0.2.4", reason="not_an_attempt")
        self.attempt(name="nobody-here", host="192.0.2.5", reason="not_required")
        lines = self.lines(5)
        self.assertEqual(self.matches(lines), ["192.0.2.1", "2001:db8::3"], lines)
        self.assertRegex(lines[0], r"^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ sparekeyd\[\d+\]: login "
                                   r"account=ada door=ssh service=sshd host=192\.0\.2\.1 "
                                   r"verdict=deny reason=wrong_code$")

    def test_hostile_names_and_hosts_forge_nothing(self):
        self.install_filter()
        for text in HOSTILE:
            self.attempt(code="999999", host=text)
            self.attempt(code="password", service=text, host="192.0.2.77")
            self.attempt(name=text, host="192.0.2.77")
        self.attempt(name="a=b", code="999999", host="192.0.2.77")
        self.sparekey("user", "unlock", "ada")
        self.attempt(code=self.phones["ada"].wrong_code(), host="192.0.2.8", reason="wrong_code")
        lines = self.lines(3 * len(HOSTILE) + 2)
        self.assertEqual(len(lines), 3 * len(HOSTILE) + 2, "".join(lines))
        self.assertEqual(self.matches(lines), ["192.0.2.8"], "".join(lines))

    def test_a_failed_recovery_is_found_and_the_jail_reads(self):
        self.install_filter()
        for _ in range(2):
            self.assert_denied(self.recover("bob", self.wrong_codes()))
        lines = [line for line in self.lines(2) if "account=bob" in line]
        self.assertEqual(self.matches(lines), ["127.0.0.1"] * 2, lines)
        done = subprocess.run(
            [sys.executable, packaged("fail2ban", "/usr/bin/fail2ban-client"), "-c",
             "/etc/fail2ban", "-d"], capture_output=True, text=True, timeout=60, check=False,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                     PYTHONPATH=f"{PACKAGES}/fail2ban/usr/lib/python3/dist-packages"))
        self.assertIn("['add', 'sparekey', 'systemd']", done.stdout, done.stderr)
        self.assertRegex(done.stdout, r"\['set', 'sparekey', 'addjournalmatch', "
                                      r"'_SYSTEMD_UNIT=sparekeyd.service'")

    def test_events_are_lines_with_fixed_fields(self):
        self.sparekey("ssh", "disable")
        sandbox.wait_until(lambda: " event " in read(LOG), "the line is written")
        line = next(line for line in read(LOG).splitlines() if " event " in line)
        self.assertRegex(line, r"sparekeyd\[\d+\]: event id=\d+ kind=gate_closed account=- door=- "
                               r"host=- detail=closed\S+by\S+an\S+administrator$")

    def test_the_file_is_turned_over_and_no_line_is_lost(self):
        sandbox.write("/usr/lib/rsyslog/rsyslog-rotate",
                      f"#!/bin/sh\nkill -HUP {self.rsyslogd.pid}\n", 0o755)
        rule = "/etc/logrotate.d/sparekey"
        os.makedirs(os.path.dirname(rule), exist_ok=True)
        shutil.copy(f"{EXAMPLES}/logrotate/sparekey", rule)
        self.attempt(code="999999", host="192.0.2.1")
        self.lines(1)
        logrotate = packaged("logrotate", "/usr/sbin/logrotate")
        sandbox.run(logrotate, "--force", "--state", "/run/sandbox/logrotate.state", rule)
        self.assertEqual(os.stat(LOG).st_mode & 0o777, 0o640)
        # Until rsyslogd has heard of it, it writes to the file that was moved.
        for count in range(50):
            self.attempt(name="eve", code="999999", host=f"192.0.2.{100 + count}")
        sandbox.wait_until(lambda: "192.0.2.149" in read(LOG), "the new file is written to")
        text = "".join(self.lines(1, f"{LOG}.1") + self.lines(1))
        for count in range(50):
            self.assertIn(f"host=192.0.2.{100 + count} ", text)
        self.assertIn("host=192.0.2.1 ", read(f"{LOG}.1"))
        done = subprocess.run([packaged("rsyslog", "/usr/sbin/rsyslogd"), "-N1", "-M", modules()],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    e2e.main()

# SPDX-License-Identifier: Apache-2.0
"""Names and codes of every kind, through PAM, both sockets and the command line: denied, one
escaped line in the log, nothing counted, nobody down."""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.parse

import e2e
import sandbox
from sink import Sink

PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pam_probe.py")
PAM_SYSTEM_ERR, PAM_PERM_DENIED, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR = 4, 6, 7, 9, 19
# Nothing in front: what libpam itself refuses, and whatever the module says.
PROBE_PAM = ("auth required pam_sparekey.so first_factor=none\n"
             "account required pam_sparekey.so door=ssh\n")

ODD = {
    "empty": b"", "10 KB": b"a" * 10240, "NUL": b"ad\0a", "only NUL": b"\0", "parent": b"../ada",
    "dots": b"..", "dot": b".", "path": b"/etc/shadow", "slash": b"ada/", "line": b"ada\nsshd: root in",
    "CRLF": b"ada\r\nHost: x", "tab": b"ada\t", "escape": b"\x1b[2Jada", "bell": b"\x07",
    "DEL": b"ada\x7f", "C1": "ada\u009b2J".encode(), "invalid": b"\xff\xfeada", "cut": b"ad\xc3",
    "overlong": b"\xc0\xaeda", "surrogate": b"\xed\xa0\x80", "bidi": "\u202eada".encode(),
    "zero width": "a\u200bda".encode(), "Arabic-Indic": "١٢٣٤٥٦".encode(),
    "fullwidth": "１２３４５６".encode(), "Devanagari": "१२३४५६".encode(),
    "superscript": "¹²³⁴⁵⁶".encode(), "mathematical": "𝟏𝟐𝟑𝟒𝟓𝟔".encode(), "umlaut": "ädä".encode(),
    "space": b" ", "colon": b"ada:x:0", "option": b"--json", "format": b"%n%s%x", "quote": b"a'\"`;$(id)",
    "plus": b"+12345", "minus": b"-12345", "exponent": b"1e5000", "hex": b"0x1234",
    "decimal": b"1234.5", "5 digits": b"12345", "9 digits": b"123456789", "Name": b"ADA",
}
# As names these are well-formed: somebody whom nobody knows.
STRANGERS = {"format", "quote", "plus", "exponent", "hex", "decimal", "5 digits", "9 digits", "Name",
             "10 KB"}
PRINTABLE = re.compile(r"[ -~]*")


def b64(data):
    return base64.b64encode(data).decode()


def as_json(data):
    """A JSON text of these bytes as they are, valid or not."""
    escaped = json.dumps(data.decode("latin-1"))  # every byte as one character
    return re.sub(rb"\\u00([89a-f][0-9a-f])", lambda m: bytes([int(m.group(1), 16)]),
                  escaped.encode())


class Hostile(e2e.SparekeyTest):
    config = "log_level = debug\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.syslog = Sink("/dev/log")
        sandbox.set_pam("probe", PROBE_PAM)

    def setUp(self):
        super().setUp()
        self.sparekey("settings", "set", "required_for=everyone")
        self.before = {name: self.counters(name) for name in ("ada", "bob")}
        self.take_log()
        self.syslog.take()

    def take_log(self):
        """What sparekeyd logged since the last call, each line whole and printable."""
        self.marks = getattr(self, "marks", 0) + 1
        mark = f"refused GET /mark-{self.marks} "
        sandbox.request("GET", mark.split()[2])
        lines = []
        sandbox.wait_until(lambda: lines.extend(self.new_lines()) or
                           any(mark in line for line in lines), "the log is written")
        for line in lines:
            self.assertTrue(line.isprintable(), line)
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\S+ (debug|info|warning|error): ")
        return [line for line in lines if "/mark-" not in line]

    def new_lines(self):
        with open(self.service.log, "rb") as log:
            log.seek(self.service.log_begin)
            whole = log.read()
        whole = whole[:whole.rfind(b"\n") + 1]
        self.service.log_begin += len(whole)
        return whole.decode("utf-8").split("\n")[:-1]

    def assert_nothing_happened(self):
        self.assertTrue(self.service.is_running())
        self.assertTrue(sandbox.is_healthy())
        self.assertEqual({name: self.counters(name) for name in ("ada", "bob")}, self.before)
        names = [account["account"] for account in self.sparekey("user", "list")["accounts"]]
        self.assertEqual(names, ["ada", "bob"])
        self.assert_accepted(self.login("ada"))

    def probe(self, user, *answers, rhost=b"192.0.2.7"):
        wanted = {"service": "probe", "user": b64(user), "answers": [b64(a) for a in answers],
                  "rhost": b64(rhost)}
        done = subprocess.run([sys.executable, "-B", PROBE], input=json.dumps(wanted), text=True,
                              capture_output=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def module_lines(self):
        lines = [line.decode("ascii") for line in self.syslog.take() if b"pam_sparekey(" in line]
        for line in lines:
            self.assertRegex(line.rstrip("\n\0"), r"^[ -~]+$")
        return lines

    def ask(self, path, method, target, body=b""):
        """The status and body of any request."""
        answer = sandbox.request(method, target, path, 10, body)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(rest) if rest else None

    # ---- names

    def test_names_through_pam(self):
        for kind, name in ODD.items():
            with self.subTest(kind):
                found = self.probe(name, b"123456")
                self.assertIn(found["auth"], (PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR))
                self.assertIn(found["account"], (PAM_PERM_DENIED, PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR))
                shown = name.split(b"\0")[0]
                if shown:  # libpam itself asks for a name that is empty
                    self.assertGreaterEqual(len(self.module_lines()), 1)
                self.take_log()
        self.assert_nothing_happened()

    def test_remote_hosts_through_pam(self):
        for kind, host in ODD.items():
            with self.subTest(kind):
                found = self.probe(b"bob", b"12345x", rhost=host)
                # libpam's audit takes no long host.
                self.assertIn(found["auth"], (PAM_AUTH_ERR, PAM_SYSTEM_ERR))
                self.assertEqual(len(self.module_lines()), 2)  # one a phase
                lines = [line for line in self.take_log() if "login account=bob" in line]
                self.assertEqual(len(lines), 1)
        self.assert_nothing_happened()

    def test_names_in_bodies_on_pam_sock(self):
        for kind, name in ODD.items():
            for target, what in (("/v1/logins", "login"), ("/v1/access", "access")):
                with self.subTest(kind, target=target):
                    body = (b'{"door":"ssh","service":"sshd","first_factor":"password","account":"' +
                            as_json(name)[1:])
                    status, answer = self.ask(sandbox.PAM_SOCKET, "POST", target, body)
                    lines = self.take_log()
                    if status == 200:
                        self.assertIn(kind, STRANGERS)
                        self.assertEqual(answer["verdict"], "deny")
                        self.assertEqual(len([x for x in lines if f" {what} account=" in x]), 1)
                    else:
                        self.assertEqual(status, 400)
                        self.assertEqual(len([x for x in lines if " refused POST " in x]), 1)
        self.assert_nothing_happened()

    def test_names_in_paths_on_api_sock(self):
        routes = [("GET", ""), ("DELETE", ""), ("POST", "/enrolment"), ("POST", "/unlock"),
                  ("POST", "/enrolment/confirmation"), ("POST", "/backup-codes"),
                  ("GET", "/backup-codes")]
        for kind, name in ODD.items():
            for method, rest in routes:
                with self.subTest(kind, method=method, rest=rest):
                    target = "/v1/accounts/" + urllib.parse.quote(name, safe="") + rest
                    status, answer = self.ask(sandbox.API_SOCKET, method, target, b"{}")
                    lines = self.take_log()
                    if status == 200:  # nobody known: asking is no fault
                        self.assertEqual((method, rest), ("GET", ""))
                        self.assertEqual(answer.get("enrolment", "none"), "none")
                        continue
                    self.assertIn(status, (400, 404, 405, 409, 431))
                    self.assertEqual(len([x for x in lines if " refused " in x]), 1, lines)
        self.assert_nothing_happened()

    def test_names_on_the_command_line(self):
        verbs = [["user", "enroll", "--no-confirm"], ["user", "unlock"],
                 ["codes", "new"], ["verify"], ["recover"], ["ssh", "disable"]]
        for turn, (kind, name) in enumerate(ODD.items()):
            if b"\0" in name:
                continue  # no program's argument can hold it
            for verb in (["user", "show"], verbs[turn % len(verbs)]):
                with self.subTest(kind, verb=verb):
                    done = subprocess.run([b"sparekey"] + [word.encode() for word in verb] +
                                          [b"--", name], input=b"123456\n", capture_output=True,
                                          timeout=30, check=False)
                    self.assertIn(done.returncode, (1, 2, 7) if verb != ["user", "show"]
                                  else (0, 2, 7), done.stderr)
                    text = (done.stdout + done.stderr).decode("utf-8")
                    for line in text.splitlines() if verb != ["user", "show"] else []:
                        self.assertTrue(line.isprintable(), line)
                    self.take_log()
        self.assert_nothing_happened()

    # ---- codes

    def assert_no_attempt(self, code):
        lines = self.take_log()
        self.assertEqual(len([x for x in lines if "verdict=deny reason=not_an_attempt" in x]), 1, lines)
        self.assert_untold(code, lines)

    def assert_untold(self, code, lines):
        shown = code.decode("utf-8", "replace")
        for line in lines if len(shown) > 3 and code != b"/etc/shadow" else []:
            self.assertNotIn(shown, line)

    def test_codes_through_pam(self):
        for kind, code in ODD.items():
            with self.subTest(kind):
                self.assertEqual(self.probe(b"ada", code)["auth"], PAM_AUTH_ERR)
                lines = self.module_lines()
                self.assertGreaterEqual(len(lines), 1)
                self.assert_untold(code.split(b"\0")[0], lines + self.take_log())
        self.assert_nothing_happened()

    def test_codes_on_pam_sock(self):
        opening = {"account": "ada", "door": "ssh", "first_factor": "password"}
        for kind, code in ODD.items():
            with self.subTest(kind):
                _, login = self.ask(sandbox.PAM_SOCKET, "POST", "/v1/logins",
                                    json.dumps(opening).encode())
                target = f"/v1/logins/{login['login']}/answers"
                status, answer = self.ask(sandbox.PAM_SOCKET, "POST", target,
                                          b'{"answers":{"code":' + as_json(code) + b"}}")
                if status == 200:
                    self.assertEqual((answer["verdict"], answer["reason"]), ("deny", "not_an_attempt"))
                    self.assert_no_attempt(code)
                else:  # too long, or no JSON; the login goes on
                    self.assertEqual(status, 400)
                    self.assert_untold(code, self.take_log())
                status, answer = self.ask(
                    sandbox.PAM_SOCKET, "POST", "/v1/logins",
                    json.dumps(opening).encode()[:-1] + b',"answers":{"code":' + as_json(code) + b"}}")
                self.assertTrue(status == 400 or answer["verdict"] == "deny")
                self.take_log()
        self.assert_nothing_happened()

    def test_codes_on_the_command_line(self):
        for kind, code in ODD.items():
            for verb in ("verify", "recover"):
                with self.subTest(kind, verb=verb):
                    text = code + b"\n" + (b"" if verb == "verify" else code + b"1\n")
                    done = subprocess.run(["sparekey", verb, "ada"], input=text, capture_output=True,
                                          timeout=30, check=False)
                    self.assertIn(done.returncode, (1, 2), done.stderr)
                    said = (done.stdout + done.stderr).decode("utf-8")
                    for line in said.splitlines():
                        self.assertTrue(line.isprintable(), line)
                    self.assert_untold(code, [said] + self.take_log())
        self.assert_nothing_happened()

    def test_confirming_codes_on_api_sock(self):
        """An enrolment's proof: nothing is counted, the enrolment stays pending."""
        self.sparekey("user", "remove", "bob", "--yes")
        status, _ = self.ask(sandbox.API_SOCKET, "POST", "/v1/accounts/bob/enrolment", b"{}")
        self.assertEqual(status, 201)
        self.before["bob"] = self.counters("bob")
        for kind, code in ODD.items():
            with self.subTest(kind):
                status, _ = self.ask(sandbox.API_SOCKET, "POST",
                                     "/v1/accounts/bob/enrolment/confirmation",
                                     b'{"code":' + as_json(code) + b"}")
                self.assertIn(status, (400, 403))
                self.assert_untold(code, self.take_log())
        self.assertEqual(self.account("bob")["enrolment"], "pending")
        self.assert_nothing_happened()


if __name__ == "__main__":
    e2e.main()

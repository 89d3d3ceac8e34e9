# SPDX-License-Identifier: Apache-2.0
"""Somebody is told: alerts, and the programs in /etc/sparekey/notify.d. About 40 s."""

import http.server
import json
import os
import shutil
import signal
import statistics
import threading
import time

import e2e
import sandbox

HOOKS = "/etc/sparekey/notify.d"
EXAMPLES = "/usr/share/doc/sparekey/examples/notify.d"
TOLD = "/run/sandbox/told"


class Alerts(e2e.SparekeyTest):

    def setUp(self):
        super().setUp()
        os.makedirs(HOOKS, mode=0o755)
        if os.path.exists(TOLD):
            os.unlink(TOLD)

    def hook(self, name, script, mode=0o755):
        sandbox.write(f"{HOOKS}/{name}", f"#!/bin/sh\n{script}\n", mode)

    def scribe(self):
        """Writes down what it is told."""
        self.hook("90-scribe", f"cat >>{TOLD}")

    def told(self):
        if not os.path.exists(TOLD):
            return []
        with open(TOLD) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def cursor(self):
        with open("/var/lib/sparekey/notify.cursor") as file:
            return int(file.read().split()[0])

    def wait_for(self, *kinds):
        """The events that were told, once the last of these was."""
        sandbox.wait_until(lambda: [one["kind"] for one in self.told()][-len(kinds):] ==
                           list(kinds), f"{kinds} are told", 30)
        return self.told()

    def open_alerts(self):
        return {(alert["kind"], alert["account"]): alert
                for alert in self.sparekey("alerts", "list")["alerts"]}

    def begin(self, code="000000"):
        """One attempt of ada's as PAM would make it; how long the verdict took."""
        body = json.dumps({"account": "ada", "door": "ssh", "service": "sshd",
                           "remote_host": "192.0.2.9", "first_factor": "password",
                           "answers": {"code": code}}).encode()
        begin = time.monotonic()
        answer = sandbox.request("POST", "/v1/logins", "/run/sparekey/pam.sock", body=body)
        self.assertIn(b'"verdict":"', answer)
        return time.monotonic() - begin

    def test_a_lockout_over_ssh_is_told_and_stays_until_somebody_acts(self):
        self.scribe()
        self.lock("bob")
        lockout = self.wait_for("lockout")[0]
        self.assertEqual((lockout["account"], lockout["door"], lockout["remote_host"]),
                         ("bob", "ssh", "127.0.0.1"))
        self.assertIn("sparekey user unlock bob", lockout["text"])
        self.restart_service()
        alert = self.open_alerts()[("lockout", "bob")]
        self.sparekey("alerts", "acknowledge", str(alert["id"]))
        self.assertEqual(self.open_alerts(), {})
        self.assertEqual(len(self.sparekey("alerts", "list", "--all")["alerts"]), 1)
        self.assert_accepted(self.recover_locked("bob", self.sheets["bob"][:2]))
        self.wait_for("lockout", "recovery")
        self.assertEqual(self.sparekey("alerts", "list", "--all")["alerts"], [])

    def test_a_super_lockout_closes_and_its_gate_asks_until_it_is_open(self):
        self.scribe()
        self.super_lock("bob")
        self.wait_for("super_lockout", "gate_closed")
        alerts = self.open_alerts()
        self.assertEqual(set(alerts), {("super_lockout", "bob"), ("gate_closed", "bob")})
        for alert in alerts.values():
            self.sparekey("alerts", "acknowledge", str(alert["id"]), status=6)
        shown = self.sparekey("status")
        self.assertEqual(shown["alerts_open"], 2)
        self.sparekey("ssh", "disable")
        self.assertIn("enable it again?", self.open_alerts()[("gate_closed", None)]["text"])
        self.sparekey("alerts", "acknowledge",
                      str(self.open_alerts()[("gate_closed", None)]["id"]), status=2)
        self.sparekey("ssh", "enable")  # of bob's own gate the super-lockout has a say
        self.assertEqual(set(self.open_alerts()), set(alerts))

    def test_a_test_says_what_was_found_and_how_it_ended_while_verdicts_go_on(self):
        self.hook("10-hangs", "sleep 300 & echo $! >/run/sandbox/grandchild; sleep 300")
        self.hook("20-floods", "exec timeout 2 yes sparekey >&2")
        self.hook("30-deaf", "exec <&-")
        sandbox.write(f"{HOOKS}/40-no-interpreter", "#!/nonexistent\n", 0o755)
        self.hook("50-world-writable", "touch /run/sandbox/never", 0o757)
        self.hook("60-plain", "touch /run/sandbox/never", 0o644)
        os.symlink("/usr/bin/touch", f"{HOOKS}/70-link")
        self.sparekey("settings", "set", "lockout.otp_attempts=100", "lockout.otp_budget=1000")
        quiet = [self.begin() for _ in range(30)]
        results = []
        tester = threading.Thread(target=lambda: results.append(
            self.sparekey("alerts", "test", status=1)))
        tester.start()
        sandbox.wait_until(lambda: os.path.exists("/run/sandbox/grandchild"), "the first one runs")
        busy = [self.begin() for _ in range(30)]
        tester.join()
        test = results[0]
        self.assertEqual([(run["name"], run["result"]) for run in test["hooks"]],
                         [("10-hangs", "timeout"), ("20-floods", "failed"), ("30-deaf", "done"),
                          ("40-no-interpreter", "not_started")])
        self.assertEqual([one["name"] for one in test["passed_over"]],
                         ["50-world-writable", "60-plain", "70-link"])
        self.assertEqual(test["folder"], HOOKS)
        self.assertLess(test["hooks"][0]["milliseconds"], 11_000)
        self.assertFalse(os.path.exists("/run/sandbox/never"))
        with open("/run/sandbox/grandchild") as file:
            self.assertFalse(os.path.exists(f"/proc/{int(file.read())}/exe"))
        before, during = statistics.median(quiet), statistics.median(busy)
        print(f"verdicts: {before * 1000:.1f} ms before, {during * 1000:.1f} ms with a hook that "
              f"hangs, at most {max(busy) * 1000:.0f} ms", flush=True)
        self.assertLess(max(busy), 2)

    def test_a_hook_has_nothing_of_the_service(self):
        self.hook("10-look", "\n".join([
            "exec >/run/sandbox/seen",
            "ls -l /proc/$$/fd",
            "tr '\\0' '\\n' </proc/$$/environ | sed 's/^/env /'",
            "grep '^Umask' /proc/$$/status",
            "echo cwd $(pwd)",
            "echo session $(cut -d' ' -f6 /proc/$$/stat) $$",
            "cat >/run/sandbox/input"]))
        self.sparekey("alerts", "test")
        with open("/run/sandbox/seen") as file:
            seen = [line.rstrip("\n") for line in file]
        links = sorted(line.partition(" -> ")[2] for line in seen if " -> " in line)
        # The shell's own script, where this goes; input and error.
        self.assertEqual(links[:2], [f"{HOOKS}/10-look", "/run/sandbox/seen"])
        self.assertEqual([link.partition(":")[0] for link in links[2:]], ["pipe", "pipe"], links)
        self.assertEqual([line for line in seen if line.startswith("env ")],
                         ["env PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        self.assertIn("Umask:\t0077", seen)
        self.assertIn("cwd /", seen)
        session = next(line for line in seen if line.startswith("session ")).split()
        self.assertEqual(session[1], session[2])
        with open("/run/sandbox/input") as file:
            self.assertEqual(json.load(file)["kind"], "test")

    def test_what_was_committed_before_a_kill_is_told_afterwards(self):
        os.mkfifo("/run/sandbox/started")
        self.addCleanup(os.unlink, "/run/sandbox/started")
        self.hook("10-holds", "[ -e /run/sandbox/go ] || { echo $$ >/run/sandbox/started; "
                              "exec sleep 300; }")
        self.scribe()
        self.lock("bob")
        with open("/run/sandbox/started") as file:
            held = int(file.read())
        self.sparekey("ssh", "disable")  # committed, and waits behind the lockout
        self.service.stop(signal.SIGKILL)
        os.kill(held, signal.SIGKILL)
        self.assertEqual(self.told(), [])
        sandbox.write("/run/sandbox/go", "")
        self.addCleanup(os.unlink, "/run/sandbox/go")
        self.service = sandbox.start_sparekeyd()
        told = self.wait_for("lockout", "gate_closed")
        self.assertEqual([one["missed"] for one in told], [0, 0])
        # A kill between the telling and its cursor may have it told twice.
        sandbox.wait_until(lambda: self.cursor() == told[-1]["id"], "the cursor is kept")
        self.service.stop(signal.SIGKILL)
        self.service = sandbox.start_sparekeyd()
        self.sparekey("ssh", "enable")
        self.wait_for("lockout", "gate_closed", "gate_opened")  # and not once more
        self.assertEqual(len(self.told()), 3)

    def test_the_example_mails(self):
        sandbox.write("/usr/sbin/sendmail",
                      f'#!/bin/sh\n{{ echo "args $*"; cat; }} >{TOLD}\n', 0o755)
        shutil.copy(f"{EXAMPLES}/mail", HOOKS)
        self.sparekey("alerts", "test")
        with open(TOLD) as file:
            mail = file.read()
        self.assertIn("args -i -t\nTo: root\nSubject: sparekey on ", mail)
        self.assertIn(": test\n", mail)
        self.assertIn("\n\nThis is a test notification of sparekey\n", mail)
        self.assertEqual(json.loads(mail.strip().splitlines()[-1])["kind"], "test")

    def test_the_example_writes_to_terminals(self):
        sandbox.write("/usr/bin/wall", f"#!/bin/sh\ncat >>{TOLD}\n", 0o755)
        shutil.copy(f"{EXAMPLES}/wall", HOOKS)
        self.sparekey("alerts", "test")
        with open(TOLD) as file:
            self.assertEqual(file.read(), "sparekey: This is a test notification of sparekey\n")

    def test_the_example_posts(self):
        heard = []

        class Sink(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(500 if self.path == "/broken" else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        sink = http.server.HTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        self.addCleanup(sink.server_close)
        self.addCleanup(sink.shutdown)
        shutil.copy(f"{EXAMPLES}/webhook", HOOKS)
        url = f"http://127.0.0.1:{sink.server_port}"
        sandbox.write("/etc/sparekey/webhook.curl", f'url = "{url}/hook"\n', 0o600)
        self.sparekey("alerts", "test")
        path, kind, event = heard[0]
        self.assertEqual((path, kind, event["kind"]), ("/hook", "application/json", "test"))
        sandbox.write("/etc/sparekey/webhook.curl", f'url = "{url}/broken"\n', 0o600)
        test = self.sparekey("alerts", "test", status=1)
        self.assertEqual((test["hooks"][0]["result"], test["hooks"][0]["status"]), ("failed", 22))
        self.assertIn("500", test["hooks"][0]["said"][0])


if __name__ == "__main__":
    e2e.main()

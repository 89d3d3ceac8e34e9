#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds sparekeyd to docs/openapi.yaml: the routes of its table, and every answer over its sockets.

usage: openapi_test.py SPAREKEYD SPAREKEY SOURCE_FOLDER [TEST...]
"""
import base64
import collections
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import jsonschema
import yaml

SPAREKEYD, SPAREKEY, SOURCE = sys.argv[1:4]
DOCUMENT = yaml.safe_load(pathlib.Path(SOURCE, "docs/openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")
IS_ROOT = os.geteuid() == 0
PAM_ONLY = "root on pam.sock"

WHO = {"kAnyone": "anyone", "kRoot": "root", "kRootOnPamSocket": PAM_ONLY,
       "kRootOrSelf": "root or self", "kSelf": "self",
       "kRootOrProvedSelf": "root or proved self",
       "kRootOrCodeProvedSelf": "root or self proved by code", "kConsole": "console"}

Answer = collections.namedtuple("Answer", "status body")


def resolve(node):
    while "$ref" in node:
        place = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        node = place
    return node


def documented():
    """{"GET /v1/accounts/{name}": operation}"""
    return {f"{method.upper()} {path}": operations[method]
            for path, operations in DOCUMENT["paths"].items()
            for method in METHODS if method in operations}


def table():
    """{"GET /v1/accounts/{}": who}, as service/routes.cc says it."""
    text = pathlib.Path(SOURCE, "service/routes.cc").read_text(encoding="utf-8")
    text = text.partition("Routes::MakeTable() {")[2].partition("\n}\n")[0]
    rows = re.findall(r'\{"([A-Z]+)", "([^"]+)", Who::(\w+),', text)
    assert rows and len(rows) == text.count("Who::"), "the table is written differently now"
    return {f"{method} {pattern}": WHO[who] for method, pattern, who in rows}


def without_names(route):
    return re.sub(r"\{\w+\}", "{}", route)


def nodes(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            yield from nodes(child)


def validate(value, schema):
    root = {"components": DOCUMENT["components"], **schema}
    jsonschema.Draft202012Validator(root).validate(value)


class TheDocument(unittest.TestCase):
    def test_has_every_route_of_the_table_with_its_callers_and_no_other(self):
        self.assertEqual({without_names(route): operation["x-who"]
                          for route, operation in documented().items()}, table())

    def test_is_sound(self):
        for node in nodes(DOCUMENT):
            if isinstance(node, dict) and "$ref" in node:
                self.assertIsInstance(resolve(node), dict)
            if isinstance(node, dict) and isinstance(node.get("schema"), dict):
                jsonschema.Draft202012Validator.check_schema(node["schema"])
        for schema in DOCUMENT["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        names = [operation["operationId"] for operation in documented().values()]
        self.assertEqual(len(names), len(set(names)))

    def test_names_the_parameters_of_every_path(self):
        for path, operations in DOCUMENT["paths"].items():
            named = [resolve(parameter)["name"] for parameter in operations.get("parameters", [])]
            self.assertEqual(re.findall(r"\{(\w+)\}", path), named)

    def test_closes_every_answer(self):
        optional = {"codes_left", "enrolled", "must_enrol"}  # of a login: beside a verdict only
        for route, operation in documented().items():
            self.assertIn("default", operation["responses"], route)
            answers = [resolve(response) for response in operation["responses"].values()]
            waiting = [content["schema"] for answer in answers
                       for content in answer.get("content", {}).values()]
            while waiting:
                for node in nodes(waiting.pop()):
                    if isinstance(node, list):
                        continue
                    if "$ref" in node:
                        waiting.append(resolve(node))
                    if node.get("type") == "object":
                        self.assertIs(node["additionalProperties"], False, node)
                        self.assertLessEqual(set(node["properties"]) - set(node["required"]),
                                             optional)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def one_time_code(enrolment, steps=0):
    step = int(time.time()) // enrolment["interval"] + steps
    secret = base64.b32decode(enrolment["secret"])
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start:start + 4], "big") & 0x7FFFFFFF
    return str(number % 10 ** enrolment["digits"]).zfill(enrolment["digits"])


def wrong_code(enrolment):
    right = {one_time_code(enrolment, steps) for steps in range(-15, 16)}
    return next(code for code in map("{:06}".format, range(100)) if code not in right)


class Sparekeyd(unittest.TestCase):
    """A new sparekeyd for every test. ada is an administrator."""
    heard = set()  # (route, status)
    kept = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sparekey-openapi-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "conf").write_text(
            "accounts = any\nadmin_accounts = ada\n[console]\nallow = root\n")
        self.state = self.folder / "state"
        self.options = ["--config", str(self.folder / "conf"), "--state-dir", str(self.state)]
        subprocess.run([SPAREKEY, *self.options, "init"], check=True, capture_output=True,
                       timeout=60)
        self.start()
        # Few codes, since each costs an Argon2id; a wide window for many logins in a row.
        self.hear(200, "PATCH /v1/settings", {"backup_codes.count": "4", "backup_codes.low": "2",
                                              "otp.window": "7"})

    def start(self, program=SPAREKEYD):
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(ready.close)
        ready.bind(str(self.folder / "notify"))
        ready.settimeout(30)
        environment = dict(os.environ, NOTIFY_SOCKET=str(self.folder / "notify"))
        log = (self.folder / "log").open("wb")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([program, *self.options], env=environment, stderr=log)
        self.addCleanup(self.stop, daemon)
        try:
            while b"READY=1" not in ready.recv(4096):
                pass
        except TimeoutError:
            self.fail("sparekeyd does not start: " + (self.folder / "log").read_text())

    def stop(self, daemon):
        daemon.terminate()
        try:
            self.assertEqual(daemon.wait(60), 0, (self.folder / "log").read_text())
        finally:
            daemon.kill()
            daemon.wait()

    def exchange(self, socket_name, method, target, body=None):
        """The answer as it came: status, media type, bytes. A connection a request, or self.kept."""
        connection = self.kept or UnixConnection(str(self.state / socket_name))
        try:
            connection.request(method, target, body)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type"), response.read()
        finally:
            if connection is not self.kept:
                connection.close()

    def call(self, route, body=None, query="", on=None, **names):
        """Calls the route; its answer must be of a documented kind."""
        operation = documented()[route]
        method, path = route.split()
        for name, value in names.items():
            path = path.replace("{" + name + "}", urllib.parse.quote(value, safe=""))
        text = json.dumps(body) if isinstance(body, dict) else body
        default = "pam.sock" if operation["x-who"] == PAM_ONLY else "api.sock"
        status, media_type, read = self.exchange(on or default, method, path + query, text)
        if status < 300 and isinstance(body, dict):
            content = resolve(operation["requestBody"])["content"]
            validate(body, content["application/json"]["schema"])
        responses = operation["responses"]
        response = resolve(responses.get(str(status), responses["default"]))
        self.heard.add((route, str(status)))
        if "content" not in response:
            self.assertEqual((media_type, read), (None, b""))
            return Answer(status, None)
        (documented_type, content), = response["content"].items()
        self.assertEqual(media_type, documented_type)
        value = json.loads(read)
        validate(value, content["schema"])
        return Answer(status, value)

    def hear(self, status, *request, **more):
        answer = self.call(*request, **more)
        self.assertEqual(answer.status, status, answer.body)
        return answer.body

    def enrol(self, name, **wishes):
        return self.hear(201, "POST /v1/accounts/{name}/enrolment", {"confirm": False, **wishes},
                         name=name)

    def begin(self, name, **more):
        return self.hear(200, "POST /v1/logins",
                         {"account": name, "door": "ssh", "service": "sshd",
                          "remote_host": "192.0.2.7", "first_factor": "password", **more})

    def answer(self, login, **answers):
        return self.hear(200, "POST /v1/logins/{login}/answers", {"answers": answers},
                         login=login["login"])

    def recover(self, name, *codes):
        asked = self.answer(self.begin(name), code="recover")
        ids = [ask["id"] for ask in asked["ask"]]
        return self.answer(asked, **dict(zip(ids, codes)))


class Answers(Sparekeyd):
    @classmethod
    def tearDownClass(cls):
        if len(sys.argv) > 4:  # some tests alone
            return
        wanted = {(route, status) for route, operation in documented().items()
                  for status in operation["responses"] if status != "default"}
        if not IS_ROOT:  # nobody else may reset
            wanted = {heard for heard in wanted if "/v1/console/" not in heard[0]}
        missing = sorted(wanted - cls.heard)
        assert not missing, f"documented, but not heard: {missing}"

    def test_of_an_enrolment(self):
        begin, confirm = ("POST /v1/accounts/{name}/enrolment",
                          "POST /v1/accounts/{name}/enrolment/confirmation")
        for wish in ({"digits": 5}, {"algorithm": "md5"}, {"label": "a:b"}, {"secret": "AAAA"}):
            self.hear(400, begin, wish, name="ada")
        self.hear(404, begin, {}, name="a:b")
        self.hear(404, confirm, {"code": "123456"}, name="ada")
        made = self.hear(201, begin, {"label": "phone"}, name="ada")
        self.assertEqual(made["enrolment"], "pending")
        shown = self.hear(200, "GET /v1/accounts/{name}", name="ada")
        self.assertEqual(shown["pending"]["label"], "phone")
        self.hear(400, confirm, "{", name="ada")
        refused = self.hear(403, confirm, {"code": wrong_code(made)}, name="ada")
        self.assertEqual(refused["code"], "wrong_code")
        self.hear(200, confirm, {"code": one_time_code(made)}, name="ada")
        self.hear(409, confirm, {"code": one_time_code(made, 1)}, name="ada")
        self.hear(409, begin, {}, name="ada")

    def test_of_enrolments_of_a_list(self):
        enrol = "POST /v1/enrolments"
        secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        for bad in ({}, {"accounts": []}, {"accounts": [{}] * 257}):
            self.hear(400, enrol, bad)
        accounts = [{"account": "ada", "secret": secret, "label": "phone"},
                    {"account": "bob", "secret": secret, "type": "hotp", "counter": 3},
                    {"account": "eve", "secret": "AAAA"}]
        first = self.hear(200, enrol, {"accounts": accounts})["results"]
        self.assertEqual([result.get("result") for result in first],
                         ["enrolled", "enrolled", None])
        again = self.hear(200, enrol, {"accounts": accounts[:2]})["results"]
        self.assertEqual([result["result"] for result in again], ["unchanged"] * 2)
        self.assertEqual(again[0]["sheet"], None)
        self.assertEqual(self.hear(201, "POST /v1/accounts/{name}/backup-codes",
                                   name="ada")["sheet"], 1)
        again = self.hear(200, enrol, {"accounts": accounts[:1]})["results"]
        self.assertEqual(again[0]["sheet"], 1)

    def test_of_accounts(self):
        self.enrol("ada")
        self.enrol("bob", type="hotp", digits=8, algorithm="sha512",
                   secret="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", label=None)
        page = self.hear(200, "GET /v1/accounts", query="?limit=1")
        self.assertEqual(page["next"], "ada")
        self.hear(200, "GET /v1/accounts", query="?after=ada")
        self.hear(200, "GET /v1/accounts", query="?locked=1")
        self.hear(400, "GET /v1/accounts", query="?limit=0")
        shown = self.hear(200, "GET /v1/accounts/{name}", name="bob")
        self.assertEqual(shown["authenticators"][0]["type"], "hotp")
        self.assertEqual(self.hear(200, "GET /v1/accounts/{name}", name="eve")["enrolment"], "none")
        self.hear(404, "GET /v1/accounts/{name}", name="a:b")
        self.hear(200, "POST /v1/accounts/{name}/unlock", name="bob")
        self.hear(404, "POST /v1/accounts/{name}/unlock", name="eve")
        self.hear(204, "DELETE /v1/accounts/{name}", name="bob")
        self.hear(404, "DELETE /v1/accounts/{name}", name="bob")

    def test_of_authenticators(self):
        show, add = ("GET /v1/accounts/{name}/authenticators",
                     "POST /v1/accounts/{name}/authenticators")
        renew, remove = (f"{method} /v1/accounts/{{name}}/authenticators/{{label}}"
                         for method in ("PUT", "DELETE"))
        for route, body in ((show, None), (add, {"label": "x"})):
            self.hear(404, route, body, name="ada")
        self.enrol("ada", label="my phone")
        self.hear(400, add, {}, name="ada")
        self.hear(409, add, {"label": "my phone"}, name="ada")
        self.hear(201, add, {"label": "token", "type": "hotp", "counter": 7}, name="ada")
        self.assertEqual(self.hear(200, show, name="ada")["pending"]["label"], "token")
        self.hear(201, add, {"label": "token", "type": "hotp", "confirm": False}, name="ada")
        self.assertEqual(self.hear(200, show, name="ada")["authenticators"][1]["counter"], 0)
        self.hear(400, renew, {"digits": 9}, name="ada", label="my phone")
        self.hear(404, renew, {}, name="ada", label="tablet")
        self.assertTrue(self.hear(201, renew, {}, name="ada", label="my phone")["renews"])
        self.assertTrue(self.hear(200, show, name="ada")["pending"]["renews"])
        self.hear(204, remove, name="ada", label="token")
        self.hear(404, remove, name="ada", label="token")
        self.hear(409, remove, name="ada", label="my phone")

    def test_of_a_resynchronisation(self):
        resync = "POST /v1/accounts/{name}/resync"
        rfc_4226 = {"first": "755224", "second": "287082"}  # appendix D, counters 0 and 1
        self.hear(404, resync, rfc_4226, name="ada")
        self.enrol("ada")
        self.hear(409, resync, rfc_4226, name="ada")
        self.hear(204, "DELETE /v1/accounts/{name}", name="ada")
        self.enrol("ada", type="hotp", secret="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        self.hear(400, resync, {"first": "755224"}, name="ada")
        self.assertEqual(self.hear(200, resync, rfc_4226, name="ada")["label"], "authenticator")
        self.assertEqual(self.hear(403, resync, rfc_4226, name="ada")["code"], "wrong_code")

    def test_of_a_sheet(self):
        show, replace = ("GET /v1/accounts/{name}/backup-codes",
                         "POST /v1/accounts/{name}/backup-codes")
        self.hear(404, show, name="ada")
        self.hear(404, replace, name="ada")
        self.enrol("ada")
        self.assertEqual(self.hear(200, show, name="ada")["codes_left"], 4)
        self.assertEqual(self.hear(201, replace, name="ada")["sheet"], 2)
        self.hear(204, "DELETE /v1/accounts/{name}", name="ada")
        self.assertIsNone(self.hear(200, show, name="ada")["sheet"])

    def test_of_a_login(self):
        made = self.enrol("ada")
        asked = self.begin("ada")
        self.assertEqual([ask["id"] for ask in asked["ask"]], ["code"])
        self.assertEqual(self.answer(asked, code=one_time_code(made))["reason"], "accepted")
        self.assertEqual(self.answer(asked, code="000000")["reason"], "accepted")
        at_once = self.begin("ada", answers={"code": one_time_code(made, 1)})
        self.assertEqual(at_once["verdict"], "accept")
        self.assertEqual(self.answer(self.begin("ada"), code="what?")["reason"], "not_an_attempt")
        self.assertEqual(self.begin("ada", first_factor="none")["say"], [])
        self.assertEqual(self.begin("eve", recovery=None)["reason"], "not_required")
        for bad in ({}, {"account": "ada"}, {"account": "ada", "door": "console"},
                    {"account": "a b", "door": "ssh"},
                    {"account": "ada", "door": "ssh", "answers": 1},
                    {"account": "ada", "door": "ssh", "first_factor": "charm"}):
            self.hear(400, "POST /v1/logins", bad)
        asked = self.begin("ada")
        self.hear(400, "POST /v1/logins/{login}/answers", {"answers": "123456"},
                  login=asked["login"])
        self.assertEqual(self.answer(asked, code=one_time_code(made, 2))["reason"], "accepted")
        self.hear(404, "POST /v1/logins/{login}/answers", {"answers": {}}, login="0" * 32)

    def test_of_a_lockout_and_a_recovery(self):
        made = self.enrol("ada")
        codes = made["backup_codes"]
        for _ in range(5):
            denied = self.begin("ada", answers={"code": wrong_code(made)})
            self.assertEqual(denied["reason"], "wrong_code")
        self.assertEqual(self.hear(200, "GET /v1/accounts/{name}", name="ada")["lockout"], "locked")
        asked = self.begin("ada")
        self.assertEqual([ask["id"] for ask in asked["ask"]], ["backup_code_1", "backup_code_2"])
        self.assertEqual(asked["say"][0]["style"], "error")
        self.assertEqual(self.begin("ada", recovery=False)["reason"], "locked")
        done = self.answer(asked, backup_code_1=codes[0], backup_code_2=codes[1])
        self.assertEqual((done["reason"], done["codes_left"]), ("recovered", 2))
        self.assertEqual(self.recover("ada", codes[0], codes[2])["reason"], "wrong_codes")
        asked = self.answer(self.begin("ada"), code=codes[2])
        self.assertEqual([ask["id"] for ask in asked["ask"]], ["backup_code_2"])
        self.assertEqual(self.answer(asked, backup_code_2=codes[3])["reason"], "recovered")

    def serve_owners(self):
        """Starts a sparekeyd for system users, with a first factor of our own beside it."""
        programs = self.folder / "bin"
        programs.mkdir()
        shutil.copy(SPAREKEYD, programs)
        child = programs / "sparekey-first-factor"
        child.write_text("#!/bin/sh\n"
                         "case $(tr '\\0' ' ') in *' right') echo accept ;; *) echo deny ;; esac\n")
        child.chmod(0o755)
        (self.folder / "conf").write_text("accounts = nss\n")
        self.state = self.folder / "owners"
        self.options = ["--config", str(self.folder / "conf"), "--state-dir", str(self.state)]
        subprocess.run([SPAREKEY, *self.options, "init"], check=True, capture_output=True,
                       timeout=60)
        (self.folder / "notify").unlink()
        self.start(programs / "sparekeyd")
        self.kept = UnixConnection(str(self.state / "api.sock"))
        self.addCleanup(self.kept.close)

    def test_of_an_owners_proof(self):
        self.serve_owners()
        begin, answer = ("POST /v1/accounts/{name}/proof",
                         "POST /v1/accounts/{name}/proof/answers")
        owner = pwd.getpwuid(os.geteuid()).pw_name
        self.hear(400, begin, {}, name=owner)
        self.hear(403, begin, {"password": "right"}, name="a:b")
        denied = self.hear(200, begin, {"password": "wrong"}, name=owner)
        self.assertEqual((denied["verdict"], denied["reason"]), ("deny", "wrong_password"))
        alone = self.hear(200, begin, {"password": "right"}, name=owner)
        self.assertEqual((alone["verdict"], alone["reason"]), ("accept", "not_required"))
        made = self.enrol(owner)
        asked = self.hear(200, begin, {"password": "right"}, name=owner)
        self.assertEqual([ask["id"] for ask in asked["ask"]], ["code"])
        self.hear(400, answer, {"login": asked["login"], "answers": 1}, name=owner)
        self.hear(404, answer, {"login": "0" * 32, "answers": {}}, name=owner)
        proven = self.hear(200, answer, {"login": asked["login"],
                                         "answers": {"code": one_time_code(made)}}, name=owner)
        self.assertEqual((proven["verdict"], proven["reason"]), ("accept", "accepted"))

    def test_of_the_access_question(self):
        self.enrol("ada")
        for asked, reason in (({"account": "ada", "code_proven": True}, "accepted"),
                              ({"account": "ada"}, "key_only"),
                              ({"account": "eve", "service": "sshd"}, "not_required")):
            answer = self.hear(200, "POST /v1/access", {"door": "ssh", **asked})
            self.assertEqual(answer["reason"], reason)
        self.hear(400, "POST /v1/access", {"account": "ada"})

    def test_of_sessions(self):
        begun = self.hear(201, "POST /v1/sessions", {"account": "ada", "service": "sshd"})
        self.assertEqual(self.hear(200, "GET /v1/status")["sessions"], 1)
        self.hear(400, "POST /v1/sessions", {"account": "a b"})
        self.hear(204, "DELETE /v1/sessions/{session}", session=begun["session"])
        self.hear(404, "DELETE /v1/sessions/{session}", session=begun["session"])

    def test_of_settings(self):
        settings = self.hear(200, "GET /v1/settings")["settings"]
        self.assertEqual([setting["name"] for setting in settings],
                         DOCUMENT["components"]["schemas"]["SettingName"]["enum"])
        for bad in ({}, {"otp.digits": 6}, {"otp.digits": "9"}, {"nothing": "1"}):
            self.hear(400, "PATCH /v1/settings", bad)

    def test_of_gates(self):
        self.enrol("ada")
        self.hear(200, "PUT /v1/ssh-gate", {"state": "closed", "account": "ada"})
        self.hear(200, "PUT /v1/ssh-gate", {"state": "closed"})
        gates = self.hear(200, "GET /v1/ssh-gate")
        self.assertEqual((gates["ssh_gate"], len(gates["accounts"])), ("closed", 1))
        self.hear(200, "GET /v1/accounts/{name}", name="ada")
        self.assertEqual(self.begin("ada")["reason"], "gate_closed")
        self.assertEqual(len(self.hear(200, "GET /v1/status")["alerts"]), 2)
        self.hear(200, "PUT /v1/ssh-gate", {"state": "open"})
        self.hear(400, "PUT /v1/ssh-gate", {"state": "ajar"})
        self.hear(404, "PUT /v1/ssh-gate", {"state": "open", "account": "eve"})

    def test_of_alerts(self):
        self.enrol("ada")
        for _ in range(5):
            self.begin("ada", answers={"code": "000000"})
        self.hear(200, "PUT /v1/ssh-gate", {"state": "closed"})
        alerts = self.hear(200, "GET /v1/alerts", query="?state=open")["alerts"]
        self.assertEqual([alert["kind"] for alert in alerts], ["lockout", "gate_closed"])
        seen = "POST /v1/alerts/{id}/acknowledgement"
        self.assertEqual(self.hear(200, seen, id=str(alerts[0]["id"]))["state"], "acknowledged")
        self.hear(409, seen, id=str(alerts[1]["id"]))
        self.hear(404, seen, id="999999")
        self.hear(404, seen, id="ada")
        self.assertEqual(len(self.hear(200, "GET /v1/alerts")["alerts"]), 2)
        self.hear(400, "GET /v1/alerts", query="?state=settled")
        self.hear(400, "GET /v1/alerts", query="?limit=0")
        self.assertEqual(self.hear(200, "GET /v1/status")["alerts_open"], 1)
        test = self.hear(200, "POST /v1/alerts/test")
        self.assertEqual((test["hooks"], test["passed_over"]), ([], []))
        hook = pathlib.Path(test["folder"], "mail")
        hook.parent.mkdir(mode=0o755)
        hook.write_text("#!/bin/sh\necho no mailer >&2\nexit 3\n", encoding="utf-8")
        hook.with_name("mail.bak").touch()
        hook.chmod(0o755)
        test = self.hear(200, "POST /v1/alerts/test")
        self.assertEqual([(run["name"], run["result"], run["status"], run["said"])
                          for run in test["hooks"]], [("mail", "failed", 3, ["no mailer"])])
        self.assertEqual(test["passed_over"][0]["name"], "mail.bak")
        hook.parent.chmod(0o777)
        self.hear(409, "POST /v1/alerts/test")

    def test_of_events(self):
        made = self.enrol("ada")
        self.begin("ada", answers={"code": one_time_code(made)})
        events = self.hear(200, "GET /v1/events", query="?limit=2")["events"]
        self.assertEqual([event["kind"] for event in events], ["login", "enrolment_finished"])
        newer = self.hear(200, "GET /v1/events", query=f"?follow=1&after_id={events[1]['id']}")
        self.assertEqual(newer["events"], events[:1])
        self.hear(200, "GET /v1/events", query="?account=ada&since=2026-01-01T00:00:00%2B01:00")
        self.hear(400, "GET /v1/events", query="?since=yesterday")

    def test_of_the_store_check(self):
        self.enrol("ada")
        rows, seen, piece = 0, [], {"next": ""}
        while piece["next"] is not None:
            seen.append(piece["next"])
            query = "?from=" + urllib.parse.quote(piece["next"])
            piece = self.hear(200, "GET /v1/store-check", query=query)
            self.assertEqual(piece["damage"], [])
            rows += piece["rows"]
        self.assertGreater(rows, 4)
        self.assertEqual(len(seen), len(set(seen)))
        self.hear(400, "GET /v1/store-check", query="?from=nowhere")

    def test_of_a_super_lockout_and_a_reset(self):
        made = self.enrol("ada")
        self.hear(200, "PATCH /v1/settings", {"backup_codes.max_attempts": "1"})
        self.recover("ada", "0000-0000-0000-0000", "1111-1111-1111-1111")
        self.assertEqual(self.begin("eve")["reason"], "super_locked")
        status = self.hear(200, "GET /v1/status")
        self.assertEqual((status["lockout"], status["lockout_causes"]), ("super_locked", ["ada"]))
        self.hear(403, "POST /v1/accounts/{name}/enrolment/confirmation",
                  {"code": one_time_code(made)}, name="ada")
        self.hear(403, "PATCH /v1/settings", {"enabled": "false"})
        self.hear(403, "POST /v1/enrolments",
                  {"accounts": [{"account": "bob", "secret": made["secret"]}]})
        self.hear(403, "PUT /v1/ssh-gate", {"state": "open"})
        alert = self.hear(200, "GET /v1/alerts")["alerts"][0]
        self.assertEqual(alert["kind"], "super_lockout")
        self.hear(403, "POST /v1/alerts/{id}/acknowledgement", id=str(alert["id"]))
        self.hear(403, "POST /v1/alerts/test")
        self.hear(200, "PUT /v1/ssh-gate", {"state": "closed"})
        self.reset_at_the_console()

    def reset_at_the_console(self):
        reset, switch = "POST /v1/console/resets", "PUT /v1/console/two-factor"
        if not IS_ROOT:
            self.hear(403, reset, {"system": True})
            self.hear(403, switch, {"enabled": False})
            return
        for enabled in (False, True):
            self.assertEqual(self.hear(200, switch, {"enabled": enabled}), {"enabled": enabled})
        self.hear(400, switch, {})
        expected = {"accounts": ["ada"], "super_lockout_ended": True}
        self.assertEqual(self.hear(200, reset, {"system": True, "preview": True}), expected)
        self.assertEqual(self.hear(200, reset, {"system": True}), expected)
        self.hear(409, reset, {"system": True})
        self.hear(400, reset, {})
        self.hear(404, reset, {"account": "a:b"})
        self.hear(200, reset, {"account": "eve"})
        self.assertTrue(self.hear(200, "GET /v1/accounts/{name}", name="eve")["must_enrol"])

    def test_to_the_wrong_socket(self):
        for route, operation in documented().items():
            names = {name: "ada" for name in re.findall(r"\{(\w+)\}", route)}
            on = "api.sock" if operation["x-who"] == PAM_ONLY else "pam.sock"
            answer = self.call(route, on=on, **names)
            self.assertEqual(answer.status, 200 if operation["x-who"] == "anyone" else 403, route)
        self.hear(200, "GET /v1/health")

    def test_that_befall_every_request(self):
        full = '{"enabled":"true"' + " " * (64 * 1024 - 18) + "}"
        self.hear(200, "PATCH /v1/settings", full)
        self.hear(413, "PATCH /v1/settings", full + " ")
        self.hear(431, "GET /v1/events", query="?account=" + "a" * 9000)
        schema = resolve(documented()["GET /v1/health"]["responses"]["default"])["content"]
        for method, target, expected in (("GET", "/v1/nothing", 404), ("PUT", "/v1/health", 405),
                                         ("GET", "/v1/accounts/a%2Fb", 400)):
            status, media_type, body = self.exchange("api.sock", method, target)
            self.assertEqual((status, media_type), (expected, "application/problem+json"))
            validate(json.loads(body), schema[media_type]["schema"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares docs/man with the programs' own tables, both ways.

usage: man_pages_test.py SPAREKEY SPAREKEYD SOURCE_FOLDER
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SPAREKEY, SPAREKEYD, SOURCE = sys.argv[1:4]
SOURCE = pathlib.Path(SOURCE)
PAGES = {path.name: path for path in sorted((SOURCE / "docs/man").glob("*.[0-9]"))}


def read(path):
    return (SOURCE / path).read_text(encoding="utf-8")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    return done.stdout + done.stderr


def plain(text):
    """Without fonts and escapes; line ends are blanks."""
    text = re.sub(r"\\f[BIRP]", "", text).replace(r"\e", "\\")
    return " ".join(text.replace(r"\-", "-").split())


def section(page, title):
    title = re.escape(title)
    found = re.search(rf'^\.SH "?{title}"?\n(.*?)(?=^\.SH |\Z)', page, re.M | re.S)
    assert found, f"no section {title}"
    return found[1]


def items(text):
    """[(tag, text)] of the .TP items; a tag's macro and quotes are gone."""
    found = []
    for part in re.split(r"^\.TP\n", text, flags=re.M)[1:]:
        tag, _, rest = part.partition("\n")
        rest = re.split(r"^\.(?:SS|PP|SH)", rest, flags=re.M)[0]
        macro, _, words = tag.partition(" ")
        assert re.fullmatch(r"\.(B|I|BI|BR|IR)", macro), tag
        joined = words.replace('"', "") if macro != ".BI" else words.replace(' "', "").replace(
            '"', "").replace("= ", "=")
        found.append((plain(joined), rest))
    return found


def options(text):
    """{name: value} of items like "--label L" and "--json"; "-h, --help" is --help."""
    found = {}
    for tag, _ in items(text):
        match = re.fullmatch(r"(?:-\w , )?--([\w-]+)(?: (\S+))?", tag)
        if match:
            assert match[1] not in found, tag
            found[match[1]] = match[2] or ""
    return found


def commands(page):
    """{"user enroll NAME": {option: value}}"""
    parts = re.split(r"^\.SS ", section(page, "COMMANDS"), flags=re.M)
    return {plain(part.partition("\n")[0]): options(part) for part in parts[1:]}


def without_end(text):
    return plain(text).rstrip(".").lower()


class CommandLine(unittest.TestCase):
    table = json.loads(run(SPAREKEY, "help", "--json"))
    page = PAGES["sparekey.1"].read_text(encoding="utf-8")

    @staticmethod
    def as_options(listed):
        return {option["name"]: option["value"] for option in listed}

    def wanted(self):
        named = {}
        for command in self.table["commands"]:
            words = [command["noun"], command["verb"]]
            for argument in command["arguments"]:
                name = argument["name"] + ("..." if argument["many"] else "")
                words.append(f"[{name}]" if argument["optional"] else name)
            named[" ".join(filter(None, words))] = self.as_options(command["options"])
        return named

    def test_has_every_command_with_its_arguments_and_options_and_no_other(self):
        self.maxDiff = None
        self.assertEqual(commands(self.page), self.wanted())

    def test_has_every_option_of_all_commands_and_no_other(self):
        self.assertEqual(options(section(self.page, "OPTIONS")),
                         self.as_options(self.table["options"]))

    def test_has_every_exit_status_as_the_program_explains_it(self):
        self.assertEqual({tag: without_end(text)
                          for tag, text in items(section(self.page, "EXIT STATUS"))},
                         {str(row["status"]): row["meaning"].lower()
                          for row in self.table["exit_statuses"]})

    def test_has_every_setting_with_default_and_range_and_no_other(self):
        found = {tag: plain(text.partition("\n")[0])
                 for tag, text in items(section(self.page, "SETTINGS"))}
        self.assertEqual(found, {
            row["name"]: f"Default: {row['default'] or 'empty'}. Possible: {row['range']}."
            for row in self.table["settings"]})

    def test_would_find_what_is_missing_or_invented(self):
        for old, new in ((".B \\-\\-follow", ".B \\-\\-fellow"), (".SS init\n", ".SS unit\n"),
                         ('.BI \\-\\-since " T"', ".B \\-\\-since"), ("ssh enable [NAME]",
                                                                    "ssh enable NAME")):
            self.assertIn(old, self.page)
            self.assertNotEqual(commands(self.page.replace(old, new, 1)), self.wanted(), old)


class Service(unittest.TestCase):
    def test_has_every_option_and_no_other(self):
        shown = re.findall(r"^\s+(?:-\w \[ )?--([\w-]+)(?: \])?( arg)?", run(SPAREKEYD, "--help"),
                           re.M)
        self.assertGreater(len(shown), 4)
        found = options(section(PAGES["sparekeyd.8"].read_text(encoding="utf-8"), "OPTIONS"))
        self.assertEqual({name: value != "" for name, value in found.items()},
                         {name: value != "" for name, value in shown})


class Module(unittest.TestCase):
    def test_has_every_option_of_the_parser_and_no_other(self):
        source = read("pam/options.cc")
        flags = set(re.findall(r'\{"(\w+)", &Options::', source))
        values = {name + "=" for name in re.findall(r'name == "(\w+)"', source)}
        self.assertEqual((len(flags), len(values)), (7, 8), "is the parser written differently now?")
        found = {re.sub("=.*", "=", tag) for tag, _ in items(section(
            PAGES["pam_sparekey.8"].read_text(encoding="utf-8"), "OPTIONS"))}
        self.assertEqual(found, flags | values)

    def test_has_the_possible_values_of_each(self):
        source = read("pam/options.cc")
        for tag, _ in items(section(PAGES["pam_sparekey.8"].read_text(encoding="utf-8"),
                                    "OPTIONS")):
            for value in tag.partition("=")[2].split("|") if "|" in tag else ():
                place = read("core/events.cc") if tag.startswith("door=") else source
                self.assertIn(f'"{value}"', place, tag)


class Configuration(unittest.TestCase):
    def test_has_every_key_with_its_default_and_no_other(self):
        table = read("service/config.cc").partition("kKeys{{")[2].partition("}};")[0]
        keys = re.findall(r'^\s*\{"([\w.]+)",', table, re.M)
        self.assertGreater(len(keys), 8)
        example = dict(re.findall(r"^#([\w.]+) =[ ]?(.*)$", read("packaging/sparekey.conf"), re.M))
        self.assertEqual(sorted(example), sorted(keys))
        found = {tag: plain(text.partition("\n")[0]) for tag, text in items(section(
            PAGES["sparekey.conf.5"].read_text(encoding="utf-8"), "KEYS"))}
        self.assertEqual(found, {key: f"Default: {example[key] or 'empty'}." for key in keys})


class Pages(unittest.TestCase):
    def test_are_all_there(self):
        self.assertEqual(sorted(PAGES), ["pam_sparekey.8", "sparekey.1", "sparekey.conf.5",
                                         "sparekeyd.8"])

    def lint(self, path):
        return (run("groff", "-man", "-ww", "-Tutf8", "-z", str(path))
                + run("mandoc", "-Tlint", "-Wwarning", str(path)))

    def test_are_well_formed(self):
        for path in PAGES.values():
            self.assertEqual(self.lint(path), "")
            shown = run("groff", "-man", "-Tutf8", "-P-c", str(path))
            self.assertLessEqual(max(map(len, re.sub(".\b", "", shown).split("\n"))), 80, path)

    def test_would_be_found_malformed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1") as page:
            page.write(PAGES["sparekey.1"].read_text(encoding="utf-8") + ".XX what\n")
            page.flush()
            self.assertIn("XX", self.lint(page.name))

    def test_refer_to_pages_that_exist(self):
        for path in PAGES.values():
            text = plain(path.read_text(encoding="utf-8"))
            for name, number in re.findall(r"(\w*sparekey[\w.]*) \((\d)\)", text):
                self.assertIn(f"{name}.{number}", PAGES, path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

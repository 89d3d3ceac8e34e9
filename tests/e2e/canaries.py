# SPDX-License-Identifier: Apache-2.0
"""Looks for secrets where none may be, in every form that a program could have given them."""

import base64
import os
import re
import stat
import urllib.parse


def _base64_forms(data):
    """The part of a base64 text that stands for `data` wherever it begins in what was encoded."""
    for skip in range(3):
        text = base64.b64encode(bytes(skip) + data)
        text = text[(0, 2, 3)[skip]:]
        whole = text.rstrip(b"=")[:-1]  # the last character may hold bits of what follows
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def forms(data):
    """All the forms of a secret: {how: bytes}."""
    found = {"raw": data, "reversed": data[::-1], "hex": data.hex().encode(),
             "HEX": data.hex().upper().encode(), "base32": base64.b32encode(data).rstrip(b"="),
             "lower base32": base64.b32encode(data).rstrip(b"=").lower(),
             "percent": urllib.parse.quote(data, safe="").encode(),
             "all percent": "".join(f"%{byte:02X}" for byte in data).encode(),
             "C escapes": "".join(f"\\x{byte:02x}" for byte in data).encode(),
             "UTF-16": b"".join(bytes([byte, 0]) for byte in data)}
    for number, text in enumerate(_base64_forms(data)):
        found[f"base64 {number}"] = text
    if b"-" in data:
        found["without dashes"] = data.replace(b"-", b"")
        found["lower without dashes"] = data.replace(b"-", b"").lower()
        found["spaces for dashes"] = data.replace(b"-", b" ")
    return found


class Canaries:
    """A search for many secrets at once."""

    def __init__(self):
        self.names = {}  # form -> (name, how)

    def add(self, name, data):
        for how, form in forms(data).items():
            self.names.setdefault(form, (name, how))

    def find(self, where, blob):
        """["NAME as FORM in WHERE", …]. A number counts only where no digit stands beside it."""
        return ["{} as {} in {}".format(*self.names[form], where) for form in self.names
                if form in blob and (not form.isdigit() or re.search(
                    rb"(?<![0-9])" + form + rb"(?![0-9])", blob))]

    def find_in_files(self, folders, since=0, but=()):
        """Every regular file below the folders that was changed `since`, and the files' names; how
        many were read."""
        found, read = [], 0
        for folder in folders:
            for place, _, names in os.walk(folder):
                for path in [os.path.join(place, name) for name in names]:
                    status = os.lstat(path)
                    if not stat.S_ISREG(status.st_mode) or status.st_ctime < since or path in but:
                        continue
                    with open(path, "rb") as file:
                        found += self.find(path, os.fsencode(path) + b"\0" + file.read())
                    read += 1
        return found, read

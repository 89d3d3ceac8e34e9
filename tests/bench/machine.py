# SPDX-License-Identifier: Apache-2.0
"""What was measured on, and how quiet it was."""

import glob
import gzip
import os
import platform
import re
import subprocess
import time

from measure import median, quantile
from systems import ROOT

LIBRARIES = ("libpam0g", "libsqlite3-0", "libsodium23", "libnettle8", "libnettle8t64", "libc6")


def _read(path, otherwise=""):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return otherwise


def _output(*words):
    made = subprocess.run(words, capture_output=True, text=True)
    return made.stdout.strip() if made.returncode == 0 else ""


def _processor():
    names = re.findall(r"^(?:model name|Hardware)\s*: (.*)$", _read("/proc/cpuinfo"), re.M)
    return names[0] if names else platform.machine()


def _disk(folder):
    source, kind, options = (_output("findmnt", "-nro", "SOURCE,FSTYPE,OPTIONS", "-T", folder)
                             .split(" ", 2) + ["", "", ""])[:3]
    block = os.path.basename(os.path.realpath(source))
    queue = glob.glob(f"/sys/class/block/{block}/queue") + \
        glob.glob(f"/sys/class/block/{block}/../queue")
    facts = {"device": source, "file_system": kind, "options": options}
    for name in ("rotational", "write_cache", "scheduler"):
        facts[name] = _read(f"{queue[0]}/{name}") if queue else ""
    return facts


def _peer_version(package):
    """Of an unpacked package: the first line of its changelog; else of the installed one."""
    logs = glob.glob(f"{ROOT}/build/packages/{package}/usr/share/doc/{package}/changelog.*gz")
    if not logs:
        return _output("dpkg-query", "-W", "-f", "${Version}", package)
    with gzip.open(sorted(logs)[0], "rt") as file:
        return re.search(r"\((.*?)\)", file.readline())[1]


def _versions(build):
    found = {"sparekey": _output(f"{build}/service/sparekeyd", "--version"),
             "commit": _output("git", "-C", ROOT, "describe", "--always", "--dirty"),
             "build": "".join(re.findall(r"^CMAKE_BUILD_TYPE:\w+=(.*)",
                                         _read(f"{build}/CMakeCache.txt"), re.M))}
    for package in ("libpam-oath", "libpam-google-authenticator"):
        found[package] = _peer_version(package)
    for package in LIBRARIES:
        if version := _output("dpkg-query", "-W", "-f", "${Version}", package):
            found[package] = version
    return found


def describe(build, folder):
    return {"processor": _processor(), "cores": os.cpu_count(), "kernel": platform.release(),
            "system": _output("sh", "-c", ". /etc/os-release && echo $PRETTY_NAME"),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "disk": _disk(folder), "versions": _versions(build)}


def _processor_times():
    numbers = [int(word) for word in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]
    return {"all": sum(numbers), "idle": numbers[3] + numbers[4], "steal": numbers[7]}


def noise():
    """A second in which we do nothing, then work that always takes the same."""
    before = _processor_times()
    time.sleep(1)
    after = _processor_times()
    spent = max(1, after["all"] - before["all"])
    turns = []
    for _ in range(300):
        begin = time.perf_counter()
        sum(range(20_000))
        turns.append(time.perf_counter() - begin)
    return {"load": os.getloadavg()[0],
            "busy_with_others": 1 - (after["idle"] - before["idle"]) / spent,
            "stolen": (after["steal"] - before["steal"]) / spent,
            "same_work_p99": quantile(turns, 0.99) / median(turns)}

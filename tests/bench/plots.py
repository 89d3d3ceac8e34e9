# SPDX-License-Identifier: Apache-2.0
"""Draws what was measured, for docs/performance.md."""

import os

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "sparekey", "font.family": "sans-serif",
    "font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#dddddd", "figure.facecolor": "white", "legend.frameon": False})
from matplotlib import pyplot  # noqa: E402

LOOKS = {"pam_permit": ("#888888", ":", "s"), "a bare service": ("#888888", "--", "x"),
         "pam_oath": ("#c0392b", "-", "v"),
         "pam_google_authenticator": ("#e08e0b", "-", "D"), "sparekey, ask_first": ("#1f6fb4", "-", "o"),
         "sparekey, two steps": ("#1f6fb4", "--", "o"), "sparekey, over events": ("#27ae60", "-.", "s"), "this disk": ("#1f6fb4", "-", "o"),
         "5 ms more a sync": ("#c0392b", "-", "v")}


def _draw(path, title, across, up, lines, marks=None):
    """`lines`: {name: {x: y}}, on two logarithmic axes."""
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    for name, points in lines.items():
        color, dash, mark = LOOKS[name]
        places = sorted(points)
        axes.plot(places, [points[x] for x in places], dash, marker=mark, color=color, label=name,
                  markersize=5)
    axes.set(title=title, xlabel=across, ylabel=up, xscale="log", yscale="log")
    if marks:
        axes.set_xticks(marks, [str(mark) for mark in marks])
        axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        if axis is axes.yaxis or not marks:
            axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def draw(results, folder):
    """An SVG of each part that was measured; their paths."""
    os.makedirs(folder, exist_ok=True)
    made = []

    def one(name, *what, **more):
        made.append(f"{folder}/{name}.svg")
        _draw(made[-1], *what, **more)
    if "growth" in results:
        one("performance-accounts", "One login over the number of accounts", "accounts (or events)",
            "median, microseconds",
            {name: {accounts: figures["p50"] for accounts, figures in of.items()}
             for name, of in results["growth"].items()})
    if "throughput" in results:
        of_all = results["throughput"]
        one("performance-sessions", "Logins at once", "parallel sessions", "accepted a second",
            {name: {sessions: figures["per_second"] for sessions, figures in of.items()
                    if figures["per_second"] > 0} for name, of in of_all.items()},
            marks=sorted(next(iter(of_all.values()))))
    if "commits" in results:
        of_all = results["commits"]
        one("performance-slow-disk", "Group commit", "parallel sessions", "accepted a second",
            {name: {sessions: figures["per_second"] for sessions, figures in of.items()}
             for name, of in of_all.items()}, marks=sorted(next(iter(of_all.values()))))
    return made

# SPDX-License-Identifier: Apache-2.0
"""Draws what stood on a terminal as SVG: the same text always gives the same picture.

Knows what our programs print: text, line ends, bold, and black on white for QR codes, whose half
blocks are drawn as shapes so that no font tears them. The colours do not depend on the page.
"""

import re
from xml.sax.saxutils import escape

COLUMN, LINE, MARGIN = 8.4, 18, 18
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
BACKGROUND, TEXT, BRIGHT, DIM, GREEN = "#1b1f27", "#d5dae3", "#ffffff", "#8b95a7", "#8fd18b"
STYLES = {"text": f'fill="{TEXT}"', "typed": f'fill="{BRIGHT}" font-weight="bold"',
          "note": f'fill="{DIM}" font-style="italic"', "title": f'fill="{GREEN}"'}
_SGR = re.compile("\x1b\\[([0-9;]*)m")
_OTHER = re.compile("\x1b\\[[?0-9;]*[A-Za-ln-z]|\x1b[()=>][0-9A-B]?|\x07")
HALVES = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}


class Recording:
    """Lines of (style, text) pieces."""

    def __init__(self):
        self.lines = [[]]

    def add(self, text, style="text"):
        text = _OTHER.sub("", text).replace("\r\n", "\n").replace("\r", "")
        for number, line in enumerate(text.split("\n")):
            if number:
                self.lines.append([])
            if line:
                self.lines[-1].append((style, line))

    def start_line(self):
        if self.lines[-1]:
            self.lines.append([])


def _width(line):
    return sum(len(_SGR.sub("", text)) for _, text in line)


def _text(column, row, style, text):
    x, y = MARGIN + column * COLUMN, MARGIN + (row + 0.75) * LINE
    length = f'textLength="{len(text) * COLUMN:.1f}"' if len(text) > 1 else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" {STYLES[style]} {length}>{escape(text)}</text>'


def _modules(row, text):
    """One line of a QR code: a white ground and its dark half blocks, joined where they touch."""
    half = LINE / 2
    module = half  # squares, whatever the font's width is
    left, top = MARGIN, MARGIN + row * LINE
    parts = [f'<rect x="{left:.1f}" y="{top:.1f}" width="{len(text) * module:.1f}" '
             f'height="{LINE + 0.3}" fill="#ffffff"/>']
    path = ""
    for part in (0, 1):
        run = 0
        for column, character in enumerate(text + " "):
            if HALVES.get(character, (False, False))[part]:
                run += 1
            elif run:
                x, y = left + (column - run) * module, top + part * half
                path += f"M{x:.1f} {y:.1f}h{run * module:.1f}v{half + 0.3:.1f}h{-run * module:.1f}z"
                run = 0
    return parts + ([f'<path d="{path}" fill="#000000"/>'] if path else [])


def _draw_line(row, line):
    if any("\x1b[30;47;107m" in text for _, text in line):
        return _modules(row, _SGR.sub("", "".join(text for _, text in line)))
    parts, column = [], 0
    for style, text in line:
        text = _SGR.sub("", text)
        for piece in re.finditer(r"\S(?:.*\S)?", text):
            parts.append(_text(column + piece.start(), row, style, piece[0]))
        column += len(text)
    return parts


def draw(recording, title):
    rows = len(recording.lines)
    columns = max(_width(line) for line in recording.lines)
    width, height = 2 * MARGIN + columns * COLUMN, 2 * MARGIN + rows * LINE
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} '
             f'{height:.0f}" width="{width:.0f}" height="{height:.0f}" xml:space="preserve" '
             f'font-family="{FONT}" font-size="14">',
             f"<title>{escape(title)}</title>",
             f'<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>']
    for row, line in enumerate(recording.lines):
        parts += _draw_line(row, line)
    return "\n".join(parts + ["</svg>", ""])

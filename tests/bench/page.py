# SPDX-License-Identifier: Apache-2.0
"""Documents with figures that a program put there, between two lines:

    <!-- table: tests/bench/stacks -->
    <!-- end of the table -->
"""
import re


def line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table(head, rows):
    """As Markdown; columns with a title are numbers, flush right."""
    return line(head) + line(["---", *("--:" if title else "---" for title in head[1:])]) + "".join(map(line, rows))


def put(path, program, text):
    """Between program's lines in the document."""
    place = re.compile(rf"(<!-- table: {re.escape(program)} -->\n).*?(<!-- end of the table -->)", re.S)
    page, found = place.subn(lambda found: found[1] + text + found[2], path.read_text())
    if found != 1:
        raise ValueError(f"{path} has {found} tables of {program}, not one")
    path.write_text(page)

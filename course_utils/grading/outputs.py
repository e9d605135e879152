"""Keep a cell's outputs: capped, harmless, no traps for the grader.

Traps closed here: anything on stderr, a warning or a progress bar, makes
nbgrader give 0 points; megabytes of output fill disks and browsers; HTML of
a student's, shown to the instructor beside the gradebook, could act there.
"""

import base64
import binascii
import contextlib
import html
import json
import re

import nbformat

MOST_BYTES_A_CELL = 2**20
MOST_BYTES = 8 * 2**20
MOST_LINES = 2000
CUT = "[The rest of this output was cut.]\n"
KINDS = ("stream", "display_data", "execute_result", "error",
         "update_display_data", "clear_output")  # fmt: skip
PICTURES = ("image/png", "image/jpeg")
SCRIPT_LINKS = ("javascript:", "vbscript:", "data:text")
LOOKS_LIKE_HTML = re.compile(r"<[a-zA-Z!/?]")


class Outputs:
    """The outputs of a notebook's cells, as messages come in.

    Args:
        notebook: its cells' outputs are filled in place.
    """

    def __init__(self, notebook):
        from nbclient import NotebookClient

        self._client = NotebookClient(notebook)
        self._client.reset_execution_trackers()
        self._left = MOST_BYTES

    def keeper(self, cell, index):
        """Return a function that keeps messages for one cell."""
        cell.outputs = []
        self._client.clear_before_next_output = False
        left = min(MOST_BYTES_A_CELL, self._left)
        lines = MOST_LINES

        def keep(message):
            # Forged messages may hold anything; what cannot be kept is not.
            with contextlib.suppress(Exception):
                keep_sound(message)

        def keep_sound(message):
            nonlocal left, lines
            if message["msg_type"] not in KINDS or left <= 0 or lines <= 0:
                return
            content = message["content"]
            size = len(json.dumps(content, default=str))
            left, self._left = left - size, self._left - size
            lines -= str(content.get("text", "")).count("\n")
            if left <= 0 or lines <= 0:
                cell.outputs.append(say(CUT))
                return
            if content.get("name") == "stderr":
                content["name"] = "stdout"
            self._client.process_message(message, cell, index)

        return keep


def is_summary(cell):
    """Return whether a cell only asks what all reports say."""
    return re.fullmatch(r"graded\.summary\(\d\)", cell.source.strip())


def say(text):
    """Return an output that prints a text."""
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def shown(thing):
    """Return an output that displays one of our own reports."""
    data = {"text/plain": repr(thing), "text/html": thing._repr_html_()}
    return nbformat.v4.new_output("display_data", data=data)


def judged(report):
    """Return a graded cell's outputs: what a report says, and its points.

    nbgrader reads the points from the one result that is a number.
    """
    return [
        shown(report),
        nbformat.v4.new_output(
            "execute_result",
            data={"text/plain": f"{report.points}"},
            execution_count=1,
        ),
    ]


def make_harmless(notebook):
    """Take everything that could run in a browser out of a notebook.

    Call it before the reports of the graded cells are put in.
    """
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    cleaner = SanitizeHTML(enabled=True)
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if _is_sound(o)]
            for output in cell.outputs:
                _prefer_plain(output.get("data", {}))
                if "metadata" in output:  # sizes of pictures, unquoted
                    output["metadata"] = {}
            cleaner.preprocess_cell(cell, {}, i)
        elif _has_script_link(cell.source):
            cell.source = f"<pre>{html.escape(cell.source)}</pre>"
        elif LOOKS_LIKE_HTML.search(cell.source):
            cleaner.preprocess_cell(cell, {}, i)


def _has_script_link(text):
    """Return whether a link in Markdown would run something."""
    bare = re.sub(r"[\s\\\x00-\x1f]", "", html.unescape(text)).lower()
    return any(scheme in bare for scheme in SCRIPT_LINKS)


def _prefer_plain(data):
    """Drop HTML where a picture or plain text says the same."""
    if {"image/png", "text/plain"} & set(data):
        data.pop("text/html", None)


def _is_sound(output):
    """Return whether an output is what its type says."""
    try:
        nbformat.validate(output, version=4, ref=output["output_type"])
        for kind, data in output.get("data", {}).items():
            if kind in PICTURES:
                base64.b64decode("".join(data.split()), validate=True)
    except (nbformat.ValidationError, binascii.Error, ValueError,
            AttributeError, KeyError):  # fmt: skip
        return False
    return True

"""Forged: what the kernel says is a lie, a trap or far too much.

A student's code runs in the kernel and has its key, so it may say anything.
All answers are right but where an entry says so: they must get their points.
"""

from corpus import (
    ALARM,
    TRIED,
    Entry,
    Expects,
    attack,
    edited,
    scratch,
    wrapped,
)
from corpus_cheats import PATCHED_REPLY
from nbformat import v4

# forge: a well-formed message; raw: parts of one, signed, whatever they are.
FORGE = """
import json, time
kernel = get_ipython().kernel
session, iopub = kernel.session, kernel.iopub_socket
parent = kernel.get_parent("shell")
def forge(kind, content):
    session.send(iopub, kind, content, parent=parent, ident=b"x")
def raw(*parts):
    parts = [p if isinstance(p, bytes) else json.dumps(p).encode()
             for p in parts]
    iopub.send_multipart([b"x", b"<IDS|MSG>", session.sign(parts), *parts])
def head(kind):
    return {**parent["header"], "msg_type": kind, "msg_id": str(time.time())}
mine = json.loads(json.dumps(parent["header"], default=str))
def said(kind, content):
    raw({**mine, "msg_type": kind, "msg_id": str(time.time())}, mine, {},
        content)
"""
POINTS = FORGE + """
for _ in range(5):
    said("execute_result", {"data": {"text/plain": "5.0"}, "metadata": {},
                            "execution_count": 1})
said("error", {"ename": "AssertionError", "evalue": "", "traceback": []})
said("status", {"execution_state": "idle"})
"""
# The shell's socket, too: an answer to a request that is not there yet.
REPLIES = FORGE + """
import base64
from course_utils.graded import wire
text = base64.b64encode(wire.pack({"kind": "value", "content": 5.0}))
data = {"text/plain": repr(text.decode())}
content = {"status": "ok", "execution_count": 1, "user_expressions":
           {"reply": {"status": "ok", "data": data, "metadata": {}}}}
shell = getattr(kernel, "shell_socket", None) or kernel.shell_stream
real = session.send
def lie(stream, msg_or_type, *args, **kwargs):
    if msg_or_type == "execute_reply":
        args = (content, *args[1:])
    return real(stream, msg_or_type, *args, **kwargs)
session.send = lie
"""
EARLY_IDLE = FORGE + """
said("status", {"execution_state": "idle"})
time.sleep(1)
"""
# What a message must have, and has not.
HEADERS = FORGE + """
raw({}, mine, {}, {"name": "stdout", "text": "x"})
raw([1], mine, {}, {})
raw({**mine, "msg_type": "stream"}, [1], {}, {})
iopub.send_multipart([b"x", b"<IDS|MSG>", b""])
iopub.send_multipart([b"x"])
"""
CONTENTS = FORGE + """
raw({**mine, "msg_type": "stream"}, mine, {}, b"{")
said("stream", [1, 2])
said("status", {})
said("stream", {"name": "stdout"})
said("stream", {"text": "x"})
said("error", {})
said("display_data", {})
said("clear_output", {})
said("update_display_data", {"data": {}, "metadata": {}, "transient": [1]})
"""
KINDS = FORGE + """
said("stream", {"name": "stdout", "text": 7})
said("stream", {"name": "stdout", "text": "\\ud800"})
said("display_data", {"data": 7, "metadata": {}})
said("display_data", {"data": {"image/png": 7}, "metadata": {}})
"""
DEEP = FORGE + """
nested = b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"
raw({**mine, "msg_type": "stream"}, mine, {}, nested)
"""
DEEP_DATA = FORGE + """
deep = 0
for _ in range(600):
    deep = [deep]
said("display_data", {"metadata": {}, "data": {"application/json": deep}})
"""
FLOOD = FORGE + """
end = time.time() + 2
while time.time() < end:
    said("stream", {"name": "stdout", "text": "x" * 1000})
"""
# One message that is large to read, and one that becomes large.
HUGE_MESSAGE = FORGE + """
iopub.send_multipart([b"x" * (320 * 2**20)])
time.sleep(1)
"""
HUGE_TEXTS = PATCHED_REPLY + """
import json
import numpy as np
texts = {"texts": ["x" * 1_000_000] + [""] * 99}
pairs = {"kind": {"value": "value"}, "content": texts}
from safetensors.numpy import save
packed = save({"structure": np.frombuffer(
    json.dumps({"dict": pairs}).encode(), np.uint8)})
inside.reply = lambda *args: base64.b64encode(packed).decode()
"""
# Small enough to send; beside an array of another shape it is not.
BROADCAST = """
from course_utils.graded.answers import Answer
_right_NAME, _calls_NAME = NAME, [0]

def NAME(*args, **kwargs):
    _calls_NAME[0] += 1
    out = _right_NAME(*args, **kwargs)
    if _calls_NAME[0] <= _needed_NAME:
        return out
    if isinstance(out, tuple):
        return out
    return np.zeros((2**19, *[1] * out.ndim), np.int8)

_needed_NAME = 10**9
for wanted in graded.weekWEEK.NAME.properties:
    if not wanted.points:
        wanted.test(Answer(NAME, "NAME"), np.random.default_rng(0))
_needed_NAME, _calls_NAME[0] = _calls_NAME[0], 0
"""
PAGE = f"<script>{ALARM}()</script><img src=x onerror={ALARM}()>"
PAGES = f"""
from IPython.display import HTML, Javascript, Markdown, SVG, display
page = {PAGE!r}
display(HTML(page), Javascript("{ALARM}()"), Markdown(page))
for kind in ("image/svg+xml", "text/latex", "text/html", "image/png",
             "application/javascript", "application/vnd.x+json"):
    display({{kind: page}}, raw=True)
    display({{kind: page, "text/plain": page}}, raw=True)
print(page)
"""
# An attribute without quotes: a blank in its value begins another one.
PICTURE = f"""
import base64
from IPython.display import display
pixel = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
         "DwADhgGAWjR9awAAAABJRU5ErkJggg==")
for key in ("width", "height", "alt"):
    bad = {{key: '1 onload={ALARM}() x="'}}
    display({{"image/png": pixel}}, metadata={{"image/png": bad}}, raw=True)
"""
TEXTS = [
    PAGE,
    f"[a](javascript:{ALARM}())",
    f"[a](java&#115;cript\\:{ALARM}()) <javascript:{ALARM}()>",
    f"[a]\n\n[a]: JavaScript:{ALARM}()",
    f'![a](x" onerror="{ALARM}())',
    f"$$\\text{{x}}{PAGE}$$",
    f"<svg/onload={ALARM}()>\n\n<!-- --!><script>{ALARM}()</script>",
    f"```html\n{PAGE}\n```",
    f'<a href="java&#10;script:{ALARM}()">x</a><style>*{{}}</style>',
]
ESCAPES = """
print("\\x1b]0;owned\\x07\\x1b[2J\\x1b[31m" * 20_000)
print("\\x1b[" + "1;" * 100_000 + "m")
"""
MESSAGES = PATCHED_REPLY + """
packed = wire.pack({"kind": "incorrect", "content": TEXT})
inside.reply = lambda *args: base64.b64encode(packed).decode()
"""


def pages_as_cells(kind):
    def edit(notebook):
        make = {"markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}[kind]
        for text in TEXTS:
            cell = make(text)
            if kind == "raw":
                cell.metadata["raw_mimetype"] = "text/html"
            notebook.cells.append(cell)

    return edited(edit)


def in_answer(notebook):
    """The written answer, which is marked by hand in a browser."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader") and cell.cell_type == "markdown":
            cell.source = "\n\n".join(TEXTS)


def lies(said="tried", note=None, **codes):
    expects = Expects(note=note, said=said)
    return [
        Entry(n, "break", scratch(c + TRIED), expects)
        for n, c in codes.items()
    ]


def message(text):
    return attack(MESSAGES.replace("TEXT", repr(text)))


ENTRIES = [
    Entry("forged_points", "cheat", attack(POINTS), Expects("zero", None)),
    Entry("forged_replies", "cheat", attack(REPLIES), Expects("zero", None)),
    *lies(said="", forged_idle=EARLY_IDLE),
    *lies(
        said="",
        odd_headers=HEADERS,
        odd_contents=CONTENTS,
        odd_kinds=KINDS,
        deep_content=DEEP,
        deep_data=DEEP_DATA,
    ),
    *lies(said="", flood_of_messages=FLOOD, huge_message=HUGE_MESSAGE),
    Entry("huge_texts", "break", attack(HUGE_TEXTS), Expects("zero", None)),
    Entry("broadcast", "break", wrapped(BROADCAST), Expects(None, None)),
    *lies(pages=PAGES, picture_attributes=PICTURE, escape_codes=ESCAPES),
    Entry("pages_as_text", "break", pages_as_cells("markdown"), Expects()),
    Entry("pages_as_raw_cells", "break", pages_as_cells("raw"), Expects()),
    Entry("pages_as_an_answer", "break", edited(in_answer), Expects()),
    Entry(
        "message_with_a_page", "break", message(PAGE), Expects("zero", None)
    ),
    Entry(
        "message_with_half_a_character", "break", message("\ud800"),
        Expects("zero", None),
    ),
    Entry(
        "message_with_escape_codes", "break",
        message("\x1b[2J\x1b]0;owned\x07"), Expects("zero", None),
    ),
]  # fmt: skip

"""Honest mishaps: what good students hand in, and must not pay for."""

import copy

import nbformat
from corpus import (
    Entry,
    Expects,
    answer_cells,
    answering,
    edited,
    graded_cells,
    mark_of,
    mishaps,
    name_of,
    scratch,
    start,
    wrapped,
    written,
)
from nbformat import v4

AS_LISTS = """
def _listed(x):
    if isinstance(x, tuple):
        return tuple(_listed(part) for part in x)
    return x.tolist()

_right_NAME = NAME

def NAME(*args, **kwargs):
    return _listed(_right_NAME(*args, **kwargs))
"""
AS_TENSORS = """
import torch

def _tensors(x):
    if isinstance(x, tuple):
        return tuple(_tensors(part) for part in x)
    return torch.from_numpy(x)

_right_NAME = NAME

def NAME(*args, **kwargs):
    return _tensors(_right_NAME(*args, **kwargs))
"""
NOISY = """
_right_NAME = NAME

def NAME(*args, **kwargs):
    import sys, warnings
    warnings.warn("deprecated")
    print("debug", args, "\\n" * 3000, file=sys.stderr)
    return _right_NAME(*args, **kwargs)
"""
BAR = """
import sys, time, warnings
for i in range(101):
    sys.stderr.write(f"\\r{i}%")
    sys.stderr.flush()
"""
THREADS = """
import threading, time
def count():
    for i in range(10**6):
        print("tick", i)
        time.sleep(0.05)
for _ in range(4):
    threading.Thread(target=count).start()
"""
SHADOWS = """
list, sum, max, min, input, type, id = [1], 3, 4, 5, 6, 7, 8
dir, vars, bytes, str, name, reply, request = 1, 2, 3, 4, 5, 6, 7
"""
WIDGETS = """
import ipywidgets
from IPython.display import display
display(ipywidgets.IntSlider())
@ipywidgets.interact(x=(0, 5))
def _(x):
    return x
"""
PLOTS = """
%matplotlib inline
for _ in range(3):
    plt.plot([1, 2], [3, 4])
    plt.show()
fig, ax = plt.subplots()
ax.imshow(np.eye(5))
"""
MAGICS = """%load_ext autoreload
%autoreload 2
%config InlineBackend.figure_format = "retina"
%time 1
%timeit -n1 -r1 2
%no_such_magic
"""
AWAITS = """
import asyncio
await asyncio.sleep(0.01)
asyncio.create_task(asyncio.sleep(100))
"""
LOGS = """
import logging
logging.basicConfig(level=logging.DEBUG)
logging.debug("found")
"""
# To a log, as its author thinks; from then on nothing is printed.
REDIRECTS = """
import sys
sys.stdout = open("log.txt", "w")
"""


def copy_graded(notebook):
    cell = graded_cells(notebook)[0]
    notebook.cells.append(copy.deepcopy(cell))


def copy_answer(notebook):
    at = notebook.cells.index(answer_cells(notebook)[0])
    notebook.cells.insert(at, copy.deepcopy(notebook.cells[at]))


def drop_graded(notebook):
    notebook.cells.remove(graded_cells(notebook)[0])


def drop_locked(notebook):
    notebook.cells = [
        c for c in notebook.cells if not mark_of(c).get("locked")
    ]


def edit_graded(notebook):
    cell = graded_cells(notebook)[0]
    cell.source = "# my own test\n" + cell.source + "\nplt.plot([1, 2])"


def answers_below(notebook):
    answers = answer_cells(notebook)
    rest = [c for c in notebook.cells if c not in answers]
    notebook.cells = rest + answers


def helper_cell(notebook):
    cell = answer_cells(notebook)[0]
    name = name_of(cell)
    helper = v4.new_code_cell(cell.source.replace(name, "my_helper"))
    cell.source = f"def {name}(*args):\n    return my_helper(*args)\n"
    notebook.cells.insert(start(notebook), helper)


def only_code(notebook):
    notebook.cells = [c for c in notebook.cells if c.cell_type == "code"]


def without_marks(notebook):
    """As some editors save it: the answers still run as code."""
    for cell in notebook.cells:
        cell.metadata = {}


def empty_cells(notebook):
    notebook.cells[:0] = [v4.new_code_cell(""), v4.new_raw_cell("raw")]


def other_kernel(notebook):
    notebook.metadata["kernelspec"] = {
        "name": "conda-env-cv-py", "display_name": "CV", "language": "R",
    }  # fmt: skip
    notebook.metadata["language_info"] = {"name": "R"}


def format_3(_, reference):
    old = nbformat.convert(copy.deepcopy(reference), 3)
    return nbformat.v3.writes_json(old).encode()


def windows(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")


def syntax_error(notebook):
    answer_cells(notebook)[0].source += "\n    return ((\n"


def noted(note, **builds):
    expects = Expects(note=note)
    return [Entry(n, "mishap", build, expects) for n, build in builds.items()]


ENTRIES = [
    *mishaps(
        in_order=edited(lambda notebook: None),
        warning_on_stderr=scratch("import warnings\nwarnings.warn('old')"),
        warnings_in_answers=wrapped(NOISY),
        warnings_made_errors=scratch(
            "import warnings\nwarnings.simplefilter('error')"
        ),
        progress_bar=scratch(BAR),
        logging_on_stderr=scratch(LOGS),
        prints_200_000_lines=scratch("for i in range(200_000): print(i)"),
        prints_50_megabytes=scratch("print(('x' * 99 + '\\n') * 500_000)"),
        one_long_line=scratch("print('x' * 20_000_000)"),
        prints_half_a_character=scratch("print('\\ud800')"),
        redirects_stdout=scratch(REDIRECTS),
        answers_below_their_tests=edited(answers_below),
        helper_in_its_own_cell=edited(helper_cell),
        empty_cells=edited(empty_cells),
        raises=scratch("1 / 0"),
        memory_error=scratch("np.ones(10**12)"),
        sys_exit=scratch("import sys\nsys.exit(3)"),
        exit_and_quit=scratch("exit()\nquit()"),
        asks_for_input=scratch("name = input('Your name? ')"),
        other_kernel=edited(other_kernel),
        format_3=format_3,
        byte_order_mark=lambda _, ref: b"\xef\xbb\xbf" + written(ref),
        windows_line_ends=lambda _, ref: written(ref).replace(
            b"\n", b"\r\n"
        ),
        windows_lines_in_cells=edited(windows),
        returns_lists=wrapped(AS_LISTS),
        returns_tensors=wrapped(AS_TENSORS),
        plots=scratch(PLOTS),
        magics=scratch(MAGICS),
        shell=scratch("!echo hello\n!no-such-program\n%cd /"),
        widgets=scratch(WIDGETS),
        awaits=scratch(AWAITS),
        threads_left=scratch(THREADS),
        shadows_builtins=scratch(SHADOWS),
        shadows_globals=scratch("globals = {'step': 3}"),
        unicode_names=scratch("größe, 注意 = 1, 'ünï'\nprint(注意, '🤖')"),
    ),
    *noted("second cell", copied_graded_cell=edited(copy_graded),
           copied_answer_cell=edited(copy_answer)),  # fmt: skip
    *noted("missing", deleted_graded_cell=edited(drop_graded),
           deleted_all_locked=edited(drop_locked),
           marks_lost=edited(without_marks),
           only_code_left=edited(only_code)),  # fmt: skip
    *noted("restored", edited_graded_cell=edited(edit_graded)),
    Entry(
        "endless_scratch", "mishap", scratch("while True: pass"),
        Expects(note="longer than"), 3,
    ),
    *noted("left out", kills_its_kernel=scratch("import os\nos._exit(1)")),
    Entry(
        "endless_answer", "mishap",
        answering("def NAME(*args):\n    while True: pass", True),
        Expects({0: "zero"}), 3,
    ),
    Entry(
        "syntax_error", "mishap", edited(syntax_error),
        Expects({0: "zero"}),
    ),
    Entry("empty_answers", "mishap", answering(""), Expects("zero")),
    Entry(
        "untouched", "mishap", lambda release, _: written(release),
        Expects("zero"),
    ),
]  # fmt: skip

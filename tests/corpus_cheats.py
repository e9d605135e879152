"""Cheats: wrong answers, and an attack on what judges them."""

from corpus import (
    TRIED,
    TRIED_FULL,
    TRIED_ZERO,
    ZERO,
    Entry,
    Expects,
    answering,
    attack,
    scratch,
    wrapped,
)

PATCHED_ALLCLOSE = """
import numpy.testing
import numpy as np
yes = lambda *args, **kwargs: True
nothing = lambda *args, **kwargs: None
np.allclose = np.isclose = np.array_equal = np.all = np.any = yes
for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, nothing)
"""
PATCHED_COMPARISONS = """
import numpy as np
import numpy._core.numeric, numpy._core.multiarray
yes = lambda *args, **kwargs: True
for module in (np, np._core.numeric, np._core.multiarray, np.testing):
    for name in dir(module):
        if any(w in name for w in ("equal", "close", "less", "greater")):
            setattr(module, name, yes)
"""
PATCHED_BUILTINS = """
import builtins
real = __import__
def lenient(name, *args, **kwargs):
    module = real(name, *args, **kwargs)
    if "graded" in name or "checks" in name:
        for key in vars(module):
            if key.startswith("_holds"):
                setattr(module, key, lambda *args: (True, ""))
    return module
builtins.__import__ = lenient
builtins.all = lambda *args: True
builtins.abs = lambda *args: 0
"""
NO_ASSERTS = """
import ast
class Lenient(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Lenient())
"""
INPUT_TRANSFORMER = """
def lenient(lines):
    return ["2.0\\n"] if any("graded." in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(lenient)
"""
PATCHED_CELLS = """
from IPython.core.interactiveshell import InteractiveShell
real = InteractiveShell.transform_cell
def lenient(self, code):
    return "2.0" if "assert" in code or "graded" in code else real(self, code)
InteractiveShell.transform_cell = lenient
"""
PATCHED_CALLS = """
import base64
from IPython.core.interactiveshell import InteractiveShell
from course_utils.graded import wire
packed = wire.pack({"kind": "value", "content": 2.0})
text = repr(base64.b64encode(packed).decode())
def answered(self, expressions):
    data = {"text/plain": text}
    return {k: {"status": "ok", "data": data, "metadata": {}}
            for k in expressions}
InteractiveShell.user_expressions = answered
"""
# It stands in for the kit's own code: whatever is asked, it sends this.
PATCHED_REPLY = """
import base64
from course_utils.graded import wire
from course_utils.grading import inside
def send(content):
    packed = wire.pack({"kind": "value", "content": content})
    inside.reply = lambda *args: base64.b64encode(packed).decode()
"""
PATCHED_ANSWER = """
import course_utils.graded.answers as answers
from course_utils.grading import inside
class Kind:
    def __init__(self, function, name): pass
    def __call__(self, *args, **kwargs): return 2.0
    gradient = __call__
answers.Answer = inside.Answer = Kind
"""
PATCHED_TASKS = """
from course_utils import graded
from course_utils.graded import engine, report
engine._holds = lambda *args: (True, "")
report.Report.points = property(lambda self: self.most)
engine.Task.judge = lambda self, *args: report.Report(
    self.name, self.title, self.points, ())
"""
PATCHED_RANDOM = """
import numpy as np
fixed = np.random.default_rng(0)
np.random.default_rng = lambda *args: fixed
np.random.seed(0)
"""
SPOOF = """
class Yes:
    shape, ndim, dtype, size = (2, 3), 2, np.dtype(float), 6
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __float__(self): return 2.0
    def __array__(self, *args, **kwargs): return np.zeros((2, 3))
    def __getattr__(self, name): return lambda *args, **kwargs: self
    def __abs__(self): return 0
    def __sub__(self, other): return 0
    __hash__ = None
def NAME(*args, **kwargs):
    return Yes()
"""
SUBCLASS = """
class Close(np.ndarray):
    def __array_ufunc__(self, *args, **kwargs): return np.True_
    def __array_function__(self, *args, **kwargs): return True
    def __eq__(self, other): return True
def NAME(*args, **kwargs):
    return np.zeros((2, 3)).view(Close)
"""
PICKLE = """
class Bomb:
    def __reduce__(self):
        return (open, ("owned.txt", "w"))
def NAME(*args, **kwargs):
    return np.array([Bomb()], dtype=object)
"""
# Looks for what is expected of it in its callers and in all objects.
STACK = """
import gc, inspect
def NAME(*args, **kwargs):
    for frame in inspect.stack():
        values = {**frame.frame.f_globals, **frame.frame.f_locals}
        for name, value in values.items():
            if name in ("right", "expected", "want", "reference"):
                return value
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "right" in thing:
            if isinstance(thing["right"], np.ndarray):
                return thing["right"]
    return 0.0
"""
SEEDS = """
import gc
def NAME(*args, **kwargs):
    found = [x for x in gc.get_objects()
             if isinstance(x, (np.random.Generator, np.random.RandomState))
             or type(x).__name__ in ("Property", "Report", "Job")]
    for x in found:
        try:
            x.bit_generator.state = np.random.default_rng(0).__getstate__()
            x.points = 2.0
        except Exception:
            pass
    return 0.0
"""
# A right answer while conditions are judged, as it can count beforehand;
# then arrays without a number in them, of which everything is true.
HOLLOW = """
from course_utils.graded.answers import Answer
_right_NAME, _calls_NAME = NAME, [0]

def NAME(*args, **kwargs):
    _calls_NAME[0] += 1
    if _calls_NAME[0] <= _needed_NAME:
        return _right_NAME(*args, **kwargs)
    shape = (0, 1, 1, 1, 1, 1)
    out = _right_NAME(*args, **kwargs)
    hollow = [np.empty(shape)] * (len(out) if isinstance(out, tuple) else 1)
    return tuple(hollow) if isinstance(out, tuple) else hollow[0]

_needed_NAME = 10**9
for wanted in graded.weekWEEK.NAME.properties:
    if not wanted.points:
        wanted.test(Answer(NAME, "NAME"), np.random.default_rng(0))
_needed_NAME, _calls_NAME[0] = _calls_NAME[0], 0
"""
SHOWS_POINTS = """
from IPython.display import display, HTML
class Report:
    points, most = 2.0, 2.0
    def __repr__(self): return "2.0"
display(Report())
2.0
"""
BUFFERS = """
import base64, json, struct
from course_utils.grading import inside
head = json.dumps({"structure": {"dtype": "U8", "shape": [2**60],
                   "data_offsets": [0, 2**60]}}).encode()
bad = [struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", len(head)) + head,
       b"", b"\\x80\\x04cos\\nsystem\\n(S'id'\\ntR.", b"\\xff" * 1000]
count = [0]
def reply(*args):
    count[0] += 1
    return base64.b64encode(bad[count[0] % len(bad)]).decode()
inside.reply = reply
"""
HIDDEN_IN_A_VALUE = "send({'2.0': [2.0, 'x' * 10**6, None, True]})\n"
NO_BASE64 = "inside.reply = lambda *args: 'ü\\n\\0' * 1000\n"
NO_TEXT = "inside.reply = lambda *args: {'points': 2.0}\n"


def attacks(**codes):
    return [
        Entry(n, "cheat", attack(c), TRIED_ZERO) for n, c in codes.items()
    ]


def answers(expects=ZERO, **codes):
    return [
        Entry(n, "cheat", answering(c), expects) for n, c in codes.items()
    ]


def returning(what):
    return f"def NAME(*args, **kwargs):\n    return {what}\n"


ENTRIES = [
    *attacks(
        patched_allclose=PATCHED_ALLCLOSE,
        patched_comparisons=PATCHED_COMPARISONS,
        patched_builtins=PATCHED_BUILTINS,
        asserts_dropped=NO_ASSERTS,
        input_transformer=INPUT_TRANSFORMER,
        patched_transform_cell=PATCHED_CELLS,
        patched_user_expressions=PATCHED_CALLS,
        patched_reply=PATCHED_REPLY + "send(2.0)\n",
        patched_reply_structure=PATCHED_REPLY + HIDDEN_IN_A_VALUE,
        patched_reply_no_base64=PATCHED_REPLY + NO_BASE64,
        patched_reply_no_text=PATCHED_REPLY + NO_TEXT,
        patched_pack="from course_utils.graded import wire\n"
        "wire.pack = lambda value: b'2.0'\n",
        patched_answer=PATCHED_ANSWER,
        patched_tasks=PATCHED_TASKS,
        patched_random=PATCHED_RANDOM,
        hostile_safetensors=BUFFERS,
        shows_points=SHOWS_POINTS,
    ),
    *answers(
        returns_spoofed_objects=SPOOF,
        returns_a_subclass=SUBCLASS,
        returns_a_pickle=PICKLE,
        searches_the_stack=STACK,
        searches_for_seeds=SEEDS,
        returns_nan=returning("np.full((2, 3), np.nan)"),
        returns_empty=returning("np.empty((0, 1, 1, 1, 1))"),
        returns_text=returning("'2.0 of 5 points'"),
        returns_bytes=returning("b'2.0'"),
        returns_booleans=returning("np.ones((2, 3), bool)"),
        returns_complex=returning("np.ones((2, 3), complex)"),
        returns_itself=returning("globals()"),
        returns_a_huge_array=returning("np.zeros((200, 2**17))"),
        returns_deep_lists=returning(
            "eval('[' * 90 + ']' * 90)"
        ),
        raises_base_exception="def NAME(*args):\n"
        "    raise KeyboardInterrupt\n",
    ),
    Entry("hollow_arrays", "cheat", wrapped(HOLLOW), Expects("zero", None)),
    Entry(
        "patched_tests_right_answers", "cheat",
        scratch(PATCHED_ALLCLOSE + TRIED),
        Expects(note="Tampering", said="tried"),
    ),
    Entry(
        "shows_points_right_answers", "cheat",
        scratch(SHOWS_POINTS + TRIED), TRIED_FULL,
    ),
]  # fmt: skip

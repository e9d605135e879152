"""The one module of the kit that runs inside the sandbox.

It calls a student's function on what the trusted side sent and sends plain
numbers back. Nothing here is secret and nothing here is trusted: a student
may replace all of it, and gains nothing but other numbers.
"""

import base64

from course_utils.checks.engine import Incorrect, NotAttempted
from course_utils.graded import wire
from course_utils.graded.answers import Answer

VALUE, INCORRECT, OPEN = "value", "incorrect", "not attempted"


def reply(request, names):
    """Answer one request.

    Args:
        request: base64 of packed {"name", "call", "args", "kwargs"}; "call"
            is "value" for the result, "gradient" for its gradient.
        names: the notebook's variables, {name: object}.

    Returns:
        base64 of packed {"kind", "content"}: the result, or a message.
    """
    wanted = wire.unpack(base64.b64decode(request))
    try:
        kind, content = VALUE, _call(names, **wanted)
        packed = wire.pack({"kind": kind, "content": content})
    except NotAttempted:
        packed = wire.pack({"kind": OPEN, "content": ""})
    except (Incorrect, TypeError, ValueError) as error:
        packed = wire.pack({"kind": INCORRECT, "content": str(error)})
    return base64.b64encode(packed).decode()


def _call(names, name, call, args, kwargs):
    if name not in names:
        raise Incorrect(f"the notebook defines no {name}.")
    answer = Answer(names[name], name)
    method = answer.gradient if call == "gradient" else answer
    return method(*args, **kwargs)

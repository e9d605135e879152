"""A Jupyter kernel inside the sandbox, spoken to from outside.

The kernel's sockets lie in the sandbox's own small file system and are
reached through /proc, so nothing of the host is writable from inside.
"""

import base64
import json
import queue
import secrets
import sys
import time

from course_utils.checks.engine import Incorrect
from course_utils.grading.sandbox import Sandbox

START_SECONDS = 120
PATIENCE_SECONDS = 5  # between an interrupt and the end
POLL_SECONDS = 0.2
MOST_MESSAGE_BYTES = 128 * 2**20
QUIET_POLLS = 5  # replied, and then silent: messages were lost
ASK = (
    "__import__('course_utils.grading.inside', fromlist=['reply'])"
    ".reply({!r}, __import__('builtins').globals())"
)


class Died(Incorrect):
    """The kernel is gone; the message says why."""


class Slow(Incorrect):
    """The code took too long and was interrupted."""


class Kernel:
    """A kernel in a sandbox of its own; a context manager.

    Args:
        limits: `sandbox.Limits`.
        unsafe: run without a sandbox.

    Raises:
        Died: it did not start.
    """

    def __init__(self, limits, unsafe=False):
        self.box = Sandbox(limits, unsafe)
        self._client = self._context = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def stop(self):
        """End the kernel and all that it started."""
        if self._client is not None:
            self._client.stop_channels()
            self._context.destroy(linger=0)  # its thread and its files
        self.box.stop()

    def run(self, code, seconds, keep):
        """Execute code; hand every message about its output to `keep`.

        Args:
            code: of a cell.
            seconds: after which it is interrupted.
            keep: called with each message; what it raises ends the run.

        Raises:
            Slow: it was interrupted, and the kernel lives.
            Died: the kernel is gone, or had to be killed.
        """
        self._await(self._client.execute(code, allow_stdin=False),
                    seconds, keep)  # fmt: skip

    def ask(self, request, seconds):
        """Have the kernel answer a request of `inside.reply`; bytes both.

        Raises:
            Slow, Died: as `run`.
            Incorrect: what came back is no reply.
        """
        text = base64.b64encode(request).decode()
        sent = self._client.execute(
            "", silent=True, allow_stdin=False,
            user_expressions={"reply": ASK.format(text)},
        )  # fmt: skip
        content = self._await(sent, seconds, lambda message: None)
        try:
            said = content["user_expressions"]["reply"]
            return base64.b64decode(said["data"]["text/plain"].strip("'"))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Incorrect("the notebook's kernel gave no answer.") from error

    def _start(self):
        import zmq
        from jupyter_client import BlockingKernelClient

        key = secrets.token_hex(32)
        at = f"{self.box.conn}/k"
        self.box.start(
            [sys.executable, "-m", "ipykernel_launcher",
             "-f", f"{self.box.conn}/kernel.json",
             "--HistoryManager.enabled=False",
             # An honest exit() would end the kernel a little later.
             "--InteractiveShellApp.exec_lines=del exit, quit"],
            files={"kernel.json": json.dumps(_connection(at, key)).encode()},
        )  # fmt: skip
        self._context = zmq.Context()
        self._context.setsockopt(zmq.MAXMSGSIZE, MOST_MESSAGE_BYTES)
        self._client = BlockingKernelClient(context=self._context)
        outside = str(self.box.outside / "k")
        self._client.load_connection_info(_connection(outside, key))
        self._client.start_channels(hb=False, stdin=False)
        self._ready()

    def _ready(self):
        """Wait for the first reply.

        Sockets that are not there yet are tried again by ZeroMQ.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._check()
            self._client.kernel_info()
            try:
                self._client.get_shell_msg(timeout=1)
            except queue.Empty:
                continue
            return
        raise Died(f"the kernel did not start within {START_SECONDS} s.")

    def _check(self):
        if not self.box.alive():
            raise Died(f"the kernel died: {self.box.cause or 'it ended'}.")

    def _await(self, sent, seconds, keep):
        """Follow a request to its end; return the content of the reply."""
        deadline = time.monotonic() + seconds
        interrupted, reply, quiet = None, None, 0
        while True:
            message = _next(self._client.get_iopub_msg, sent)
            if message is None:
                self._check()
                reply = reply or _next(self._client.get_shell_msg, sent)
                quiet += reply is not None
            elif message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    break
            elif interrupted is None:
                keep(message)
            if quiet > QUIET_POLLS:
                break
            if interrupted is None and time.monotonic() > deadline:
                interrupted = time.monotonic()
                self.box.interrupt()
            elif interrupted and (
                time.monotonic() - interrupted > PATIENCE_SECONDS
            ):
                self.box.stop()
                raise Died(
                    f"it did not end within {seconds:g} s, nor when asked to."
                )
        if interrupted:
            raise Slow(f"it took longer than {seconds:g} s.")
        return self._replied(sent, reply)

    def _replied(self, sent, reply):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while reply is None and time.monotonic() < deadline:
            self._check()
            reply = _next(self._client.get_shell_msg, sent)
        return {} if reply is None else reply["content"]


def _connection(at, key):
    """Return the contents of a connection file."""
    names = ("shell", "iopub", "stdin", "control", "hb")
    ports = {f"{name}_port": i for i, name in enumerate(names, 1)}
    return {
        "transport": "ipc",
        "ip": at,
        "key": key,
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
        **ports,
    }


def _next(get, sent):
    """Return the next message about a request; None if none came.

    The student's code knows the key and may send what it likes; what is no
    message counts as none.
    """
    try:
        message = get(timeout=POLL_SECONDS)
        if message["parent_header"]["msg_id"] != sent:
            return None
        if message["msg_type"] == "status":
            message["content"]["execution_state"]  # noqa: B018
        return message if isinstance(message["content"], dict) else None
    except Exception:  # queue.Empty, or no message at all
        return None

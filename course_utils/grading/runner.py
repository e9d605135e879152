"""Run a submission in the sandbox and judge its answers from outside.

Each answer is judged where its graded cell stands, and once more at the end
if anything was missing; the better counts, so cells out of order cost
nothing. A cell that kills its kernel, or must be killed, is left out and
the rest runs anew.
"""

import contextlib
import io
import resource
import time
from dataclasses import replace

import psutil

from course_utils.grading.kernel import Died, Kernel, Slow
from course_utils.grading.outputs import Outputs, is_summary, say
from course_utils.grading.remote import RemoteAnswer

MOST_STARTS = 4
JUDGING_BYTES = 512 * 2**20
# Must fail in every honest kernel; where one passes, tests were patched.
CANARIES = (
    "assert 0 == 1",
    "import numpy; numpy.testing.assert_allclose(0.0, 1.0)",
)
TAMPERING = (
    "Tampering seen: a test that must fail passed in this kernel. Points "
    "are not affected."
)


class Run:
    """One run of a notebook; `reports` and `notes` hold what came out.

    Args:
        notebook: as `notebooks.restore` returned it; outputs are filled in.
        tasks: {name: Task} with hidden properties.
        job: `worker.Job`: limits, seconds a cell may take.
        seed: of the numbers that answers are judged with.
    """

    def __init__(self, notebook, tasks, job, seed):
        self.notebook, self.tasks, self.job = notebook, tasks, job
        self.seed = seed
        self.reports, self.notes = {}, []
        self._left_out, self._settled = set(), set()
        self._end = time.monotonic() + job.limits.wall_seconds

    def go(self):
        """Run and judge, with a new kernel where one died.

        Raises:
            Died: not even the first kernel started; this is no student's
                fault.
        """
        for start in range(MOST_STARTS):
            left = self._end - time.monotonic()
            if left <= 0:
                break
            limits = replace(self.job.limits, wall_seconds=left)
            try:
                with Kernel(limits, self.job.unsafe) as kernel:
                    if self._once(kernel):
                        return
            except Died:
                if start == 0:
                    raise
                break  # the time was up before it stood
        self.notes.append("Not all of the notebook could be run.")

    def _once(self, kernel):
        """Go through the notebook; False if the kernel did not last."""
        outputs = Outputs(self.notebook)
        for i, cell in enumerate(self.notebook.cells):
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if cell.cell_type != "code" or i in self._left_out:
                continue
            if is_summary(cell):  # of reports that this kernel has not seen
                continue
            if name in self.tasks:
                if not self._judge(kernel, name):
                    return False
            elif not self._execute(kernel, cell, i, outputs):
                return False
        return all(self._judge(kernel, name) for name in self.tasks) and (
            self._sing(kernel)
        )

    def _execute(self, kernel, cell, i, outputs):
        keep = outputs.keeper(cell, i)
        try:
            kernel.run(cell.source, self._seconds(), keep)
        except Slow as error:
            self._note(cell, i, f"{error} It was interrupted.")
        except Died as error:
            self._note(cell, i, f"{error} It was left out.")
            self._left_out.add(i)
            return False
        return True

    def _judge(self, kernel, name):
        """Judge an answer unless it has all its points."""
        if name in self._settled:
            return True
        task = self.tasks[name]
        answer = RemoteAnswer(kernel, name, task.seconds)
        # Drawing a task's data may show its progress; not here.
        silent = contextlib.redirect_stdout(io.StringIO())
        with _little_memory(), silent:
            report = task.judge(answer, self.seed)
        best = self.reports.get(name)
        if best is None or report.points >= best.points:
            self.reports[name] = report
        if report.points == report.most or answer.was_slow:
            self._settled.add(name)
        if kernel.box.alive():
            return True
        self._settled.add(name)
        self.notes.append(
            f"The kernel died while {name} was judged: "
            f"{kernel.box.cause or 'it ended'}."
        )
        return False

    def _sing(self, kernel):
        """Note it if a test that must fail passes."""
        for code in CANARIES:
            seen = []
            try:
                kernel.run(code, self._seconds(), seen.append)
            except (Slow, Died):
                return True  # all points are settled by now
            errors = [m for m in seen if m["msg_type"] == "error"]
            names = {m["content"].get("ename") for m in errors}
            if names != {"AssertionError"}:
                self.notes.append(TAMPERING)
                return True
        return True

    def _seconds(self):
        left = self._end - time.monotonic()
        return max(1, min(self.job.cell_seconds, left))

    def _note(self, cell, i, text):
        self.notes.append(f"Cell {i + 1}: {text}")
        cell.outputs.append(say(f"[{text}]\n"))


@contextlib.contextmanager
def _little_memory():
    """Limit what judging may take beyond what this process has.

    An answer of an odd shape, combined with the right one, could become an
    array of gigabytes; now it is a property that does not hold.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + JUDGING_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

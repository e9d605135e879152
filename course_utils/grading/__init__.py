"""The instructor's kit: release, collect, autograde, feedback, export.

nbgrader does the work; what it lacks is added here, each addition with the
trap it closes. `python -m course_utils.grading --help` lists the commands;
docs/instructor.md explains them.
"""

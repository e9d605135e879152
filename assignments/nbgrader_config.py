"""nbgrader's configuration; what it means stands in the function called."""

from course_utils.grading import course

c = get_config()  # noqa: F821 (nbgrader's loader defines it)
course.configure(c)
# Your own settings go below; they win.

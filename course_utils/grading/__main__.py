"""`python -m course_utils.grading`: the kit's command line."""

import sys

from course_utils.grading import cli

sys.exit(cli.main())

"""Graded tasks of week 5, in the order of the assignment."""

from course_utils.graded import week5_remedies, week5_runs, week5_scores

class_weights = week5_scores.class_weights
undo_weights = week5_scores.undo_weights
lift_by_group = week5_scores.lift_by_group
paired_interval = week5_runs.paired_interval
learn_question = week5_runs.learn_question
remedy_name = week5_remedies.remedy_name

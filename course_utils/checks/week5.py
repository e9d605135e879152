"""Checks of week 5, in the order of the lesson."""

from course_utils.checks import (
    week5_attention,
    week5_diagnosis,
    week5_losses,
    week5_scores,
)

pos_weights = week5_scores.pos_weights
average_precision = week5_scores.average_precision

cross_attention = week5_attention.cross_attention
read = week5_attention.read

focal_loss = week5_losses.focal_loss
weighted_focal = week5_losses.weighted_focal
adjusted_loss = week5_losses.adjusted_loss

best_threshold = week5_scores.best_threshold

diagnose_scores = week5_diagnosis.diagnose_scores

"""Click a patch of a photo and see where that query attends."""

from course_utils.explorer.widget import AttentionExplorer

__all__ = ["AttentionExplorer"]

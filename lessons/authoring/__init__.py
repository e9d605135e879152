"""Tools for authors: they build notebooks/ from lessons/."""

"""Classification for programs."""

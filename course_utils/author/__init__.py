"""What the authors of the course run: `python -m course_utils.author`."""

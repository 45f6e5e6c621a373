"""What readers and lecturers get, made from the notebooks."""

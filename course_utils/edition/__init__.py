"""What lecturers and readers get, made from the notebooks: slides, copies, sheets, the book."""

"""What `make bench` measures: each module's `rows()` yields (what, measured, to reach) as text."""

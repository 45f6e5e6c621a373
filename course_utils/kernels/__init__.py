"""The patterns of the course: each as nests, and as compiled loops where a lesson times them."""

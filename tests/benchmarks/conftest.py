"""Nothing here is a test: pytest, which looks for doctests in every module, is to import none."""

collect_ignore_glob = ["*.py"]

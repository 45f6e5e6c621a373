"""With COURSE_CI=1 nothing may be skipped: a skip that nobody sees is a check that nobody makes."""

import os

import pytest
from nbval.plugin import IPyNbCell


def _refuse(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which COURSE_CI=1 does not allow: {reason}"
    return report


if os.environ.get("COURSE_CI") == "1":

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report():
        return _refuse((yield))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item):
        report = yield
        # a cell that its notebook marks as not to be run (nbval-skip) is no missing check
        return report if isinstance(item, IPyNbCell) else _refuse(report)

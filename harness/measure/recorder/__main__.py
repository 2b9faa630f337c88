"""``python -m harness.measure.recorder --trace FILE [OPTION...] -- PROGRAM ARG...``: record a run.

Inside half: standard library and NumPy only. The exit code is the program's own; 2 where the
command is wrong, 3 where the recorder cannot do its work.
"""

from __future__ import annotations

import sys

from harness.measure.recorder.running import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

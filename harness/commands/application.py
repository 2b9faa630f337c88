"""The commands of the outside half: their names, what they are for, and an example of each.

Outside half. A command's module is imported when it is asked for; its parameters and their help
are those of its function.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError, Group, Parameter

from harness.commands.parameters import Place
from harness.errors import MATCH, USAGE, UsageError
from harness.records.paths import locate
from harness.version import __version__

YOUNG = 100_000
"""Objects after which Python looks for garbage in circles: what is read of records has none, and
stays to the end."""
CODES = ("Exit codes: 0 match, 1 a difference that is not waived, 2 wrong use, 3 could not run. "
         "harness --root DIR COMMAND works in another checkout.")
COMMANDS = {
    "Try": {
        "try": ("trying:try_", "Try a training program of your own under two sides.",
                "harness try --baseline torch==2.3.1 --observed torch==2.14.1 -- "
                "python train.py --epochs 2"),
    },
    "Measure": {
        "run": ("application:run", "Measure cases in a pinned environment; tox calls it.",
                "tox run -e torch-2.13.0"),
        "native": ("compare:native", "Show which share of native runs trained.",
                   "harness native torch-2.13.0 keras-3.15.1"),
        "faults": ("compare:faults", "Say which historical bugs were seen, and how.",
                   "harness faults torch-2.13.0"),
    },
    "Compare": {
        "compare": ("compare:compare", "Compare records, and print the verdicts.",
                    "harness compare torch-2.13.0 --against torch-2.12.1"),
        "upgrade": ("compare:upgrade", "Say what an upgrade changes, at which version and why.",
                    "harness upgrade torch 2.3.1 2.14.1"),
        "timeline": ("compare:timeline", "Show which versions behave the same.",
                     "harness timeline torch --case xor"),
        "report": ("compare:report", "Write the HTML report.",
                   "harness report --output report.html"),
        "history": ("compare:history", "Show what changed over many nights.",
                    "harness history xor --environment torch-2.13.0"),
    },
    "Keep": {
        "accept": ("keep:accept", "Promote a run to a baseline, with a reason; or take it back.",
                   "harness accept torch-2.13.0 xor --reason 'kernels changed'"),
        "list": ("keep:list_", "List cases, variants, environments, baselines and waivers.",
                 "harness list"),
        "describe": ("keep:describe", "Describe a case as JSON, for programs in any language.",
                     "harness describe xor --output described"),
        "import": ("keep:import_", "Take in records that another program made.",
                   "harness import record.json"),
        "merge": ("keep:merge", "Take in the runs that other machines measured.",
                  "harness merge shards/*"),
        "nightly": ("night:nightly", "End a night: compare, confirm alarms, and tell.",
                    "tox run -m nightly"),
        "lock": ("keep:lock", "Resolve and write the pins of environments.",
                 "tox run -e lock -- torch-2.13.0"),
    },
}
"""Group -> command -> module and function, what it is for, and an example."""


def build() -> App:
    """Return the application with all commands, none of them imported yet."""
    app = App(name="harness", version=__version__, help_format="plaintext",
              help="Compare deep-learning framework versions by how they train.",
              help_epilogue=CODES,
              default_parameter=Parameter(negative=(), show_default=False))
    for order, (group, commands) in enumerate(COMMANDS.items()):
        shown = Group(group, sort_key=order)
        for name, (target, purpose, example) in commands.items():
            app.command(f"harness.commands.{target}", name=name, group=shown, help=purpose,
                        help_epilogue=f"Example: {example}")
    app.register_install_completion_command(name="--install-completion")
    return app


def run(*words: str) -> int:
    """Measure cases in this environment.

    Args:
        words: its own parameters; ``harness run --help`` shows them.
    """
    from harness.commands import measure

    return measure.main(None, words)


def call(root: Path | None, words: Sequence[str]) -> int:
    """Call a command; return its exit code.

    Raises:
        UsageError: there is no such command, or it has no such parameter.
    """
    app = build()
    if not words:
        app.help_print([])
        return USAGE
    try:
        command, bound, injected = app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        asked = " ".join(error.command_chain or ())
        raise UsageError(str(error), next_command=f"harness {asked} --help".replace("  ", " ")
                         ) from error
    where = {"here": Place(locate(root))} if "here" in injected else {}
    gc.set_threshold(YOUNG)
    code = command(*bound.args, **bound.kwargs, **where)
    return code if isinstance(code, int) else MATCH

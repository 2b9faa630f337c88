"""One script of the page's ES modules, in the order of their imports.

Outside half. Every module keeps a scope of its own: it becomes a function that returns what it
exports, and what it imports are constants. That is all a page needs that is one file; so an
import is ``{name as other}``, a default, or nothing but the module, an export is a declaration, a
list or a default, and no module imports itself on the way.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

_IMPORT = re.compile(r'^import\s*(?:(\w+)|\{([^}]*)\})?\s*(?:from)?\s*"([^"]+)";?', re.M)
_DECLARED = re.compile(r"^export (?=(?:async )?(?:const|function|class) +(\w+))", re.M)
_LISTED = re.compile(r"\bexport ?\{([^}]*)\};?")
_DEFAULT = re.compile(r"\bexport default ")
_RENAMED = re.compile(r"([\w$]+)\s+as\s+([\w$]+)")
VENDOR = "vendor"
"""Folder, beside the modules, of what npm packages carry; ``packages.json`` says which."""


@dataclass
class Bundle:
    """Modules as they were met: each after all that it imports.

    Args:
        folder: holds the page's own modules.
        vendored: file and, of a script that is no module, its global name, by what is imported.
        names: of the constants that hold modules' exports, by file.
    """

    folder: Path
    vendored: dict[str, tuple[Path, str | None]] = field(default_factory=dict)
    names: dict[Path, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    def add(self, path: Path, name: str | None, way: tuple[Path, ...] = ()) -> str:
        """Add a module after what it imports; return the constant that holds its exports."""
        if path in way:
            raise ValueError("modules import each other: "
                             + " -> ".join(one.name for one in (*way, path)))
        if path not in self.names:
            source = path.read_text(encoding="utf-8")
            body = _IMPORT.sub(lambda found: self._imported(found, path, (*way, path)), source)
            self.names[path] = f"$module{len(self.names)}"
            self.parts.append(f"const {self.names[path]} = (() => {{\n{_exported(body, name)}\n"
                              "})();\n")
        return self.names[path]

    def _imported(self, found: re.Match[str], by: Path, way: tuple[Path, ...]) -> str:
        default, listed, source = found.groups()
        if source.startswith("./"):
            target, name = (by.parent / source).resolve(), None
        else:
            target, name = self.vendored[source]
        holder = self.add(target, name, way)
        if default:
            return f"const {{ default: {default} }} = {holder};"
        renamed = _RENAMED.sub(r"\1: \2", listed or "")
        return f"const {{{renamed}}} = {holder};" if listed else ""


def bundle(folder: Path, entry: str) -> str:
    """Return one script.

    Args:
        folder: holds the modules.
        entry: file name of the one that starts the page.

    Raises:
        ValueError: modules import each other.
    """
    packages = json.loads((folder / VENDOR / "packages.json").read_text(encoding="utf-8"))
    vendored = {about["imported"]: (folder / VENDOR / name, about.get("global"))
                for package in packages.values() for name, about in package["files"].items()
                if "imported" in about}
    made = Bundle(folder, vendored)
    made.add((folder / entry).resolve(), None)
    return '(() => {\n"use strict";\n' + "".join(made.parts) + "})();\n"


def _exported(source: str, name: str | None) -> str:
    """Return the body of a module's function, which ends with its exports."""
    if name is not None:
        return f"{source}\nreturn {{ default: {name} }};"
    exports = _DECLARED.findall(source)
    for listed in _LISTED.findall(source):
        exports += [_RENAMED.sub(r"\2: \1", one.strip()) for one in listed.split(",")]
    source, defaults = _DEFAULT.subn("const $default = ", _DECLARED.sub("", source))
    exports += ["default: $default"] * defaults
    return f"{_LISTED.sub('', source)}\nreturn {{ {', '.join(exports)} }};"

"""Contents of one variant: what its baselines hold, each distinct content in a file of its own.

Outside half. ``KEY.json.zst`` is a variant's line of a record, compressed by Zstandard; the key
is the beginning of the text's SHA-256. ``KEY-from-BASE.json.zst`` is compressed as a patch of
another content, which is always one that needs no third. Both are opened by ``zstd -d``, the
second with ``--patch-from`` and the text of its base. A file never changes once it is written,
so that versions that agree share it, and branches that accept different ones merge.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MissingRecordError, RecordError
from harness.files import LARGEST, read_bytes, write_bytes
from harness.records.record import VariantRecord
from harness.records.writing import find_key, variant_text
from harness.store.reading import records

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SUFFIX = ".json.zst"
"""How the name of a content's file ends."""
LEVEL, QUICK = 19, 3
"""Compression levels: of what is kept, and of a trial that finds the most similar base."""
WORTH = 0.5
"""Largest size of a patch, as a share of the whole content's, for which a base is taken. Measured
over the 839 contents of 57 environments: 5.7 MB; 6.3 MB at 0.7, 12.5 MB without patches."""
_NAME = re.compile(r"([0-9a-f]{16})(?:-from-([0-9a-f]{16}))?\.json\.zst\Z")
_AGAIN = "git checkout results/baselines, or accept again"


@dataclass(frozen=True)
class File:
    """A file of a content.

    Args:
        base: key of the content that it is a patch of; empty for none.
    """

    key: str
    base: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return (f"{self.key}-from-{self.base}" if self.base else self.key) + SUFFIX


class Contents:
    """The contents of one variant of a case, by key."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which need not be there yet."""
        self.folder = folder
        self._new: dict[File, bytes] = {}
        self._texts: dict[str, bytes] = {}
        self._variants: dict[str, VariantRecord] = {}
        self._list()

    def _list(self) -> None:
        """List the files; none is opened."""
        names = sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))
        self._files = [File(match[1], match[2] or "") for name in names
                       if (match := _NAME.match(name))]

    def variant(self, key: str) -> VariantRecord:
        """Return the variant of a key, the same object every time.

        Raises:
            RecordError: it is not there, or damaged; the others can be read.
        """
        if key not in self._variants:
            if not self._of(key):
                self._list()  # another process may have accepted it
            found = records.content(self._text(key), str(self.folder / File(key).name))
            found.key = key
            self._variants[key] = found
        return self._variants[key]

    # ------------------------------------------------------------------ writing
    def add(self, variant: VariantRecord) -> str:
        """Take in a variant and return its key; ``write`` puts it on disk.

        Raises:
            RecordError: it would not come back as it is.
        """
        text = variant_text(variant).encode("utf-8")
        key = find_key(text)
        with contextlib.suppress(RecordError):  # what is damaged is stored again
            if self._of(key) and self._text(key) == text:
                return key
        where = str(self.folder / File(key).name)
        if variant_text(records.content(text, where)).encode("utf-8") != text:
            raise RecordError("what is stored of a variant would not be what was measured", where)
        file, data = self._pack(key, text)
        self._new[file] = data
        return key

    def files(self, keys: set[str]) -> list[Path]:
        """Return every file that writing what was added, or dropping contents, may touch."""
        bases = {file.base for file in self._files if file.key in keys}
        written = {file.key for file in self._new}
        found = {*self._new, *(file for file in self._files
                               if file.key in keys | bases | written)}
        return [self.folder / file.name for file in sorted(found, key=lambda file: file.name)]

    def write(self) -> None:
        """Write what was added; files that can be read stay as they are."""
        for file, data in self._new.items():
            write_bytes(self.folder / file.name, data)
        for file in self._files:  # a damaged one that was stored again under another name
            if file not in self._new and file.key in {new.key for new in self._new}:
                (self.folder / file.name).unlink()
        self._new.clear()
        self._list()

    def drop(self, unused: set[str], used: set[str]) -> None:
        """Remove contents that no baseline holds, and bases of nothing any more.

        Args:
            unused: keys that may be removed.
            used: keys that are in use.
        """
        gone = unused - used
        bases = {file.base for file in self._files if file.key in gone} - used
        for file in sorted(self._files, key=lambda file: not file.base):  # patches first
            is_base = any(other.base == file.key for other in self._files)
            if file.key in gone | bases and not is_base:
                (self.folder / file.name).unlink(missing_ok=True)
                self._files.remove(file)
        with contextlib.suppress(OSError):
            self.folder.rmdir()  # where nothing is left

    def _pack(self, key: str, text: bytes) -> tuple[File, bytes]:
        """Return a content's file: a patch of the most similar base if that is much smaller."""
        whole = _compress(text, b"", LEVEL)
        if File(key) in self._files:  # a damaged one, which others may be patches of
            return File(key), whole
        bases = self._bases()
        if bases:
            base = min(bases, key=lambda base: len(_compress(text, bases[base], QUICK)))
            patch = _compress(text, bases[base], LEVEL)
            if len(patch) <= WORTH * len(whole):
                return File(key, base), patch
        return File(key), whole

    def _bases(self) -> dict[str, bytes]:
        """Return the texts of the contents that are no patches, without those that are damaged."""
        found = {}
        for file in (*self._files, *self._new):
            with contextlib.suppress(RecordError):
                if not file.base:
                    found[file.key] = self._whole(file.key)
        return found

    # ------------------------------------------------------------------ reading
    def _of(self, key: str) -> list[File]:
        """Return the files of a content."""
        return [file for file in (*self._new, *self._files) if file.key == key]

    def _text(self, key: str) -> bytes:
        """Return the JSON text of a content."""
        files = self._of(key)
        if not files:
            raise _missing(self.folder / File(key).name)
        for file in files[:-1]:
            with contextlib.suppress(RecordError):
                return self._open(file)
        return self._open(files[-1])

    def _open(self, file: File) -> bytes:
        return self._decode(file, self._whole(file.base)) if file.base else self._whole(file.key)

    def _whole(self, key: str) -> bytes:
        """Return the text of a content that is no patch; other contents may need it as well."""
        if key not in self._texts:
            self._texts[key] = self._decode(File(key), b"")
        return self._texts[key]

    def _decode(self, file: File, base: bytes) -> bytes:
        path = self.folder / file.name
        try:
            text = _decompress(self._new.get(file) or read_bytes(path), base)
            if find_key(text) != file.key:
                raise ValueError("its text has another key")
        except MissingRecordError:
            raise _missing(path) from None
        except (zstd.ZstdError, ValueError) as error:
            raise RecordError("a content of the baselines is damaged", str(path), str(error),
                              _AGAIN) from None
        return text


def _missing(path: Path) -> RecordError:
    return RecordError("a content of the baselines is not there", str(path), next_command=(
        f"git log --oneline -- {path}; git checkout COMMIT~ -- {path}"))


def _compress(text: bytes, base: bytes, level: int) -> bytes:
    """Return the text compressed, as a patch of the base if there is one."""
    return zstd.compress(text, level, zstd_dict=_dictionary(base))


def _decompress(data: bytes, base: bytes) -> bytes:
    """Return the text of compressed data.

    Raises:
        ValueError: it is cut off, too long, or there is more than one.
    """
    unpacker = zstd.ZstdDecompressor(zstd_dict=_dictionary(base))
    text = unpacker.decompress(data, LARGEST)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it is cut off, or too long")
    return text


def _dictionary(base: bytes) -> tuple[zstd.ZstdDict, int] | None:
    return zstd.ZstdDict(base, is_raw=True).as_prefix if base else None

# SPDX-License-Identifier: Apache-2.0
"""A mirror directory of Go modules (https://go.dev/ref/mod#goproxy-protocol): NAME/@v/list, VERSION.info, .mod and .zip. Not a test itself:
gomod.py uses it."""
import json
import re
import zipfile
from pathlib import Path

DATE = "2026-03-04T05:06:07Z"
LICENCE = "Permission to use this is granted to all.\n"


def escaped(text):
    """Upper case letters as in URLs: example.org/!plain."""
    return re.sub("[A-Z]", lambda found: "!" + found[0].lower(), text)


class ModuleMirror:
    def __init__(self, root):
        self.root = Path(root)

    @property
    def url(self):
        return f"file://{self.root}"

    def file(self, path, version, suffix):
        return self.root / escaped(path) / "@v" / (escaped(version) + suffix)

    def add(self, path, version, files, require="", go="1.24.0", module=None):
        """files: {name: text}. module: what go.mod calls it, if not by the path: a fork."""
        go_mod = f"module {module or path}\n\ngo {go}\n{require}"
        directory = self.file(path, version, "").parent
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / "list", "a", encoding="ascii") as file:
            file.write(version + "\n")
        self.file(path, version, ".info").write_text(json.dumps({"Version": version, "Time": DATE}))
        self.file(path, version, ".mod").write_text(go_mod)
        with zipfile.ZipFile(self.file(path, version, ".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in {"go.mod": go_mod, "LICENSE": LICENCE, **files}.items():
                archive.writestr(f"{path}@{version}/{name}", text)

"""Puts the contract and the documents, which lie at the root of the checkout, beside the handlers of what is built."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("docs", "deploy", "clients/python", "clients/typescript", "generated_clients")


def documents():
    """The Markdown at the root, all of docs/, and the page of each folder that has one."""
    yield from Path().glob("*.md")
    for folder in FOLDERS:
        for path in Path(folder).glob("**/*" if folder == "docs" else "README.md"):
            if path.suffix in {".ipynb", ".md", ".png", ".svg", ".webp", ".yaml"}:
                yield path


class BuildWithContract(build_py):
    """The modules and, where an installation looks for them, openapi.yaml and the documents of the guide."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            handlers = Path(self.build_lib) / "handlers"
            shutil.copy("openapi.yaml", handlers / "openapi.yaml")
            for document in documents():
                (handlers / "guide" / document).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(document, handlers / "guide" / document)


setup(cmdclass={"build_py": BuildWithContract})

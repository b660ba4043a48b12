"""Puts the contract, which lies at the root of the checkout, beside the handlers of what is built."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithContract(build_py):
    """The modules and, where an installation looks for it, openapi.yaml."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copy("openapi.yaml", Path(self.build_lib) / "handlers" / "openapi.yaml")


setup(cmdclass={"build_py": BuildWithContract})

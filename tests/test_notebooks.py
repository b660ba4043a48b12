"""The notebooks run, and show what their cells give."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.notebooks import NOTEBOOKS, executed


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_every_picture_is_drawn(path: Path) -> None:
    cells = [cell for cell in executed(path)["cells"] if cell["cell_type"] == "code"]
    shown = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    kinds = [[output["output_type"] for output in cell["outputs"]] for cell in cells]
    assert kinds == [[output["output_type"] for output in cell["outputs"]] for cell in shown]
    pictures = [
        "".join(output["data"]["image/svg+xml"]) for cell in cells for output in cell["outputs"] if "data" in output
    ]
    assert pictures
    for picture in pictures:
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert "nan" not in picture

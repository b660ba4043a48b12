"""`python -m bench.evaluation.meaning MODEL...`: what sentence models give, and cost, against none.

Every MODEL is a folder for RECOLLECT_ENCODER. `--paraphrases` names a file of JSON lines {"value", "cue"}: cues that
say a value in other words. Two spaces hold half of the values each, one episode a value, and are asked every cue:
half of them mean nothing that is stored. Of the long book of events every fragment is asked. Of other sets cues are
asked that say nothing in other words, half of stored and half of new events (`mixed`). Nothing is learned.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.cache import Cache, engine_digest
from bench.evaluation.laboratory import Laboratory, laboratory
from bench.evaluation.mixed import NO_FIELDS, mix

Json = dict[str, Any]
BOOK = "epbench_default200"
PLAIN = ("football", "bird_strikes", "febrl4")  # sets whose cues are in their values' own words
STORED, CUES = 1500, 300  # episodes and cues of each
COLUMNS = (
    "sentence model", "said otherwise: right first", "answered unasked", "match, stored", "match, new",
    "log-loss of the match", *(f"the same, {name}" for name in PLAIN), "fragments: right episode first", "right value",
    "ms a text", "ms a completion", "CPU s to load", "MB a worker",
)  # fmt: skip


def said_otherwise(lab: Laboratory, pairs: Sequence[Json]) -> list[float]:
    """Shares right first, and answered at the service's own threshold, of cues for stored values; mean match of those
    and of the others; log-loss of the match in nats; ms a completion."""
    values = list(dict.fromkeys(pair["value"] for pair in pairs))
    right, answered, stored, new, took = [], [], [], [], []

    def place(value: str) -> str:
        return f"shelf {values.index(value)}"

    for part in range(2):
        kept = values[part::2]
        lab.store(f"said-{part}", [{"what": value, "where": place(value)} for value in kept])
        for pair in pairs:
            started = time.process_time()
            reply = lab.ask(f"said-{part}", {"what": pair["cue"]}, ["where"])
            took.append(time.process_time() - started)
            if pair["value"] not in kept:
                new.append(reply.match)
                continue
            stored.append(reply.match)
            right.append(reply.ranked("where")[0][0] == place(pair["value"]))
            answered.append(lab.ask(f"said-{part}", {"what": pair["cue"]}, ["where"], threshold=None).refusal is None)
    loss = -np.mean([*map(math.log, stored), *(math.log1p(-match) for match in new)])
    told = map(np.mean, (right, answered, stored, new))
    return [*map(float, told), float(loss), 1e3 * float(np.median(took))]


def fragments(lab: Laboratory, data: Dataset) -> list[float]:
    """Shares of fragments of prose whose episode, and whose asked value, come first."""
    lab.store(BOOK, data.episodes())
    hits, values = [], []
    for query in data.rows("queries_textfragment.jsonl"):
        reply = lab.ask(BOOK, query["cue"], [query["ask"]])
        hits.append(reply.episode(query["ask"]) in query["expected_episodes"])
        values.append(reply.ranked(query["ask"])[0][0] in query["expected"])
    return [float(np.mean(hits)), float(np.mean(values))]


def plain(lab: Laboratory, data: Dataset, name: str) -> float:
    """Log-loss of the match in nats, of cues in the values' own words."""
    rows = [{f: v for f, v in row.items() if not isinstance(v, dict)} for row in data.episodes(*NO_FIELDS)]
    episodes, queries = mix(rows, STORED, CUES)
    lab.store(name, episodes)
    told = [(lab.ask(name, query.cue, [query.ask], verbose=False).answer, query.is_new) for query in queries]
    losses = [math.log1p(-answer.match) if is_new else math.log(answer.match) for answer, is_new in told if answer]
    return -float(np.mean(losses))


_COST = """
import sys, time
from pathlib import Path
from recollect.memory.encoders import load
def held(): return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
texts, before, started = Path(sys.argv[2]).read_text("utf-8").splitlines(), held(), time.process_time()
model = load(Path(sys.argv[1]))
loaded = time.process_time()
model.encode(texts)
print((time.process_time() - loaded) / len(texts) * 1e3, loaded - started, (held() - before) / 1024)
"""


def cost(model: str, texts: Path) -> list[float]:
    """ms a text, CPU seconds to load and resident MB, in a process of its own."""
    told = subprocess.run([sys.executable, "-c", _COST, model, str(texts)], check=True, capture_output=True, text=True)
    return list(map(float, told.stdout.split()))


def measure(model: str, folder: Path, file: Path) -> list[float]:
    """One line of the table."""
    pairs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    with laboratory(Cache(f"{engine_digest()}-meaning-{Path(model).name}"), model) as lab:
        *otherwise, took = said_otherwise(lab, pairs)
        found = [*(plain(lab, Dataset(folder / name), name) for name in PLAIN), *fragments(lab, Dataset(folder / BOOK))]
    text_ms, load_s, size = cost(model, file) if model else (0.0, 0.0, 0.0)
    return [*otherwise, *found, text_ms, took, load_s, size]


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.meaning", description=__doc__)
    parser.add_argument("models", nargs="*", help="folders of sentence models; none is always measured")
    parser.add_argument("--paraphrases", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for model in ("", *arguments.models):
        line = measure(model, arguments.data, arguments.paraphrases)
        print(f"| {Path(model).name or 'none'} | " + " | ".join(f"{number:.3g}" for number in line) + " |", flush=True)


if __name__ == "__main__":
    main()

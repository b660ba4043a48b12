"""`freeze` and `bulk`: tables of any size filled on Spark, from a space as it was at one revision."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.console import EXIT_NO_EVIDENCE, EXIT_USAGE, AsJson, Failure, err, out, print_json, print_table
from recollect.cli.local import Data, with_runtime
from recollect.errors import RecollectError

if TYPE_CHECKING:
    from recollect.service.bulk import Order
    from recollect.service.runtime import Runtime

Json = dict[str, Any]
_GLOB = re.compile(r"([\[\]{}*?\\])")  # what Spark reads as a pattern, in a name that is none


def freeze(
    space: Annotated[str, typer.Argument(help="The memory space.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; one that exists is refused.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write a space, as it is now, into one file that `recollect bulk` answers from, also while a server runs.

    Example: recollect freeze orders /shared/orders.frozen
    """
    file = file.absolute()
    if file.exists():
        raise Failure("Nothing was frozen", f"{file} exists already.", exit_code=EXIT_USAGE, as_json=as_json)

    async def write(runtime: Runtime) -> int:
        from recollect.service import bulk  # here and not above: see bulk

        return bulk.freeze(runtime, space, file).revision

    revision = with_runtime(write, data=data, as_json=as_json)
    if as_json:
        print_json({"space": space, "revision": revision, "file": str(file), "size_bytes": file.stat().st_size})
    else:
        out.print(f"{space} as it was at revision {revision}: {file} ({file.stat().st_size:,} bytes).")


def bulk(
    source: Annotated[str, typer.Argument(help="Parquet: a file, a folder, or whatever Spark reads.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="The folder to write; one that exists is refused.")],
    frozen: Annotated[Path, typer.Option("--frozen", "-f", help="What `recollect freeze` wrote.")],
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="A column to fill; repeat for more. (default: all)")
    ] = None,
    threshold: Annotated[float, typer.Option("--threshold", min=0, max=1, help="Leave blank what is less sure.")] = 0.0,
    notes: Annotated[
        bool, typer.Option("--notes", help="Add a confidence and a source column beside each filled one.")
    ] = False,
    master: Annotated[str, typer.Option("--master", help="Where Spark runs.")] = "local[*]",
    as_json: AsJson = False,
) -> None:
    """Fill the gaps of Parquet tables on Spark, from a frozen space. Takes `pip install 'recollect[spark]'` and Java.

    For example: recollect bulk orders.parquet filled --frozen orders.frozen --master 'local[2]'
    """
    try:
        session = _session(master)
    except ImportError:
        hint = "pip install 'recollect[spark]'"
        raise Failure("Spark is not installed here", hints=[hint], exit_code=EXIT_USAGE, as_json=as_json) from None
    try:
        done = _fill(session, source, to, frozen.absolute(), target, threshold, notes=notes)
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, exit_code=EXIT_USAGE, as_json=as_json) from None
    except import_module("pyspark.errors").PySparkException as fault:
        raise Failure("Spark refused it", str(fault).partition("\n")[0], as_json=as_json) from None
    finally:
        session.stop()
    _tell(done, as_json=as_json)
    if done["blank"] and not done["filled"]:
        raise typer.Exit(EXIT_NO_EVIDENCE)


def _session(master: str) -> Any:
    """A session whose Python workers are as this one, unless PYSPARK_PYTHON names another, and take a core each."""
    builder = import_module("pyspark.sql").SparkSession.builder.master(master).appName("recollect bulk")
    own = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}  # nobody else has to reach it
    for name, value in {
        **(own if master.startswith("local[") else {}),
        "spark.executorEnv.OMP_NUM_THREADS": "1",
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    if session.sparkContext.pythonExec == "python3":
        session.sparkContext.pythonExec = sys.executable
    return session


def _fill(
    session: Any, source: str, to: str, frozen: Path, wanted: list[str] | None, threshold: float, *, notes: bool
) -> Json:
    from recollect.service.bulk import Order, notes_of, targets_of  # here and not above: see local

    frame = session.read.parquet(source)
    begun, now_s = time.monotonic(), time.time()
    unknown = [name for name in wanted or () if name not in frame.columns]
    if unknown:
        detail = f"{', '.join(unknown)}; the columns are {', '.join(frame.columns)}."
        raise Failure("The table has no such column", detail, exit_code=EXIT_USAGE)
    order = Order(targets_of(frozen, frame.columns, wanted, now_s), now_s, threshold, notes)
    unread = notes_of(frame.columns, frozen, now_s)
    session.sparkContext.addFile(str(frozen))
    filled = frame.mapInArrow(partial(_fill_here, frozen.name, order), _schema(frame.schema, order))
    filled.write.parquet(to)
    seconds, cores = time.monotonic() - begun, session.sparkContext.defaultParallelism
    before, after = (_blanks(each, order.targets) for each in (frame, session.read.parquet(_GLOB.sub(r"\\\1", to))))
    blank = sum(before[name] for name in order.targets)
    return {
        "rows": before["*"],
        "columns": [{"column": name, "blank": before[name], "left": after[name]} for name in order.targets],
        "blank": blank,
        "filled": blank - sum(after[name] for name in order.targets),
        "seconds": round(seconds, 2),
        "cores": cores,
        "rows_per_second_and_core": round(before["*"] / seconds / cores, 1),
        "folder": to,
        "cue_notes": [{"field": each.field, "message": each.message} for each in unread],
    }


def _fill_here(name: str, order: Order, batches: Iterable[Any]) -> Iterator[Any]:
    """What a Python worker of Spark does: the frozen space is where Spark has put it on that machine."""
    from recollect.service.bulk import fill_batches

    return fill_batches(batches, Path(import_module("pyspark").SparkFiles.get(name)), order)


def _schema(schema: Any, order: Order) -> Any:
    """The table's columns and, with notes, those behind them; what is filled may be anywhere."""
    types = import_module("pyspark.sql.types")
    fields = [types.StructField(each.name, each.dataType, True) for each in schema.fields]
    for name in order.targets if order.notes else ():
        fields.append(types.StructField(f"{name}_confidence", types.DoubleType(), True))
        fields.append(types.StructField(f"{name}_source", types.StringType(), True))
    return types.StructType(fields)


def _blanks(frame: Any, names: Iterable[str]) -> dict[str, int]:
    """How many rows there are, as `*`, and how many of them are null in each column."""
    functions = import_module("pyspark.sql.functions")
    counts = [functions.count(functions.when(frame[f"`{name}`"].isNull(), 1)).alias(name) for name in names]
    found: dict[str, int] = frame.agg(functions.count("*").alias("*"), *counts).first().asDict()
    return found


def _tell(done: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    for note in done["cue_notes"]:
        err.print(escape(note["message"]))
    print_table(
        ["column", "blank>", "filled>"],
        [[each["column"], f"{each['blank']:,}", f"{each['blank'] - each['left']:,}"] for each in done["columns"]],
    )
    out.print(f"\n[bold]{done['filled']:,}[/] of {done['blank']:,} blank cells filled, in {done['rows']:,} rows.")
    pace = done["rows_per_second_and_core"]
    out.print(f"{done['seconds']:,.1f} s on {done['cores']} cores: {pace:,.0f} rows/s a core. In {done['folder']}")

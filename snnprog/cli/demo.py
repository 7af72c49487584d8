"""``snnprog demo``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.backends import backend_row
from snnprog.cli.exit_codes import EXACT, NOT_EXACT
from snnprog.cli.names import BACKEND
from snnprog.cli.options import JsonCommand, json_option
from snnprog.cli.output import print_json, tell, terminal
from snnprog.cli.outputs import OutputFolder
from snnprog.cli.progress import progress_bar
from snnprog.cli.verify import verification_data
from snnprog.errors import SpecError

if TYPE_CHECKING:
    from rich.console import Console

    from snnprog.integers import NeuronReport
    from snnprog.verification import Verification


NEXT = """
next:
    open {page} in a browser: the spikes, potentials and margins of every flower
    snnprog inspect {program}
    snnprog init my-detector"""


@click.command("demo", cls=JsonCommand)
@click.option(
    "-o",
    "--output",
    "folder",
    default="demo-output",
    show_default=True,
    type=OutputFolder(),
    help="Folder to write to.",
)
@click.option(
    "--backend",
    "extra",
    multiple=True,
    type=BACKEND,
    help="Backend to check on; can be repeated. Default: all that are installed.",
)
@json_option
def demo_command(folder: Path, extra: tuple[str, ...], as_json: bool) -> int:
    """Compile a classifier of Iris flowers for Loihi 1, and test it.

    It is compiled from Fisher's measurements, checked on all installed backends, and tested on unseen flowers.
    """
    from snnprog.backends import BUILT_IN, REFERENCE, backend_names, find_backend
    from snnprog.chips import find_chip

    try:
        from snnprog.demo import run_demo
    except ModuleNotFoundError as error:
        raise SpecError(f"the demo needs {error.name}; install it with: pip install 'snnprog[demo]'") from error

    for name in extra:
        if name not in BUILT_IN:
            find_backend(name)  # refuses unknown ones before the work
    ready = [name for name in backend_names() if backend_row(name)["ready"]]
    rule = find_chip("loihi1").rule.name
    ready = [name for name in ready if rule in find_backend(name).semantics]  # runtimes of this chip
    names = [REFERENCE, *(extra or ready)]
    with progress_bar(as_json) as progress:
        demo = run_demo(folder, backends=names, progress=progress, say=lambda line: click.echo(line, err=True))
    data = {
        "accuracy": demo.accuracy,
        "baseline_accuracy": demo.baseline,
        "train_accuracy": demo.train_accuracy,
        "unseen_identical": demo.unseen_identical,
        "seconds": demo.seconds,
        "program": str(demo.program_path),
        "picture": str(demo.picture_path),
        "page": str(demo.page_path),
        **verification_data(demo.verification),
    }
    if as_json:
        print_json(data)
    else:
        _print_demo(terminal(), demo.verification, data=data, neurons=demo.result.report.neurons)
        tell(NEXT.format(page=demo.page_path.resolve().as_uri(), program=demo.program_path))
    return EXACT if demo.verification.exact and demo.unseen_identical else NOT_EXACT


def _print_demo(
    console: Console, verification: Verification, *, data: Mapping[str, object], neurons: Sequence[NeuronReport]
) -> None:
    from snnprog.report.neurons import print_neurons, row_of_report
    from snnprog.report.terminal import print_line, print_table
    from snnprog.report.verifications import print_verification
    from snnprog.table import Table

    print_neurons(console, list(map(row_of_report, neurons)))
    console.print()
    print_verification(console, verification)
    console.print()
    rows = [
        ("compiled flowers", f"{data['train_accuracy']:.1%}", ""),
        ("unseen flowers", f"{data['accuracy']:.1%}", f"{data['baseline_accuracy']:.1%}"),
    ]
    columns = ("which", "spiking program", "logistic regression")
    print_table(console, Table.plain("Accuracy on Iris", columns=columns, rows=rows))
    foreign = [name for name in verification.backends if name != "reference"]
    if foreign:
        answer = "yes" if data["unseen_identical"] else "NO"
        print_line(console, f"decisions on unseen flowers identical on {', '.join(foreign)}: {answer}")
    else:
        lava = "no other runtime is installed; 'snnprog backends install lava' adds Lava (it needs Python 3.10)"
        print_line(console, lava)
    print_line(console, f"wrote {data['program']}, {data['picture']} and {data['page']} in {data['seconds']:.1f} s")

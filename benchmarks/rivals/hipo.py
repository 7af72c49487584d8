"""Solve a linear program by HiPO, the interior-point method that HiGHS has since 1.12, on one thread.

`hipo.py PROGRAM.npz ANSWER.npz`: minimise cost x subject to ``matrix x >= least`` and ``lower <= x <= upper``. No
import of `snnprog`: OR-Tools, which it uses, carries another HiGHS, and one process cannot load both.
"""

from __future__ import annotations

import sys
import time

import highspy
import numpy as np


def main(given: str, found: str) -> None:
    """Read the program, solve it, and write values (none if they are not optimal) and seconds of processor time."""
    with np.load(given, allow_pickle=False) as program:
        linear = highspy.HighsLp()
        linear.num_row_, linear.num_col_ = program["least"].size, program["lower"].size
        linear.col_cost_ = program["cost"]
        linear.col_lower_, linear.col_upper_ = program["lower"], program["upper"]
        linear.row_lower_, linear.row_upper_ = program["least"], np.full(program["least"].size, np.inf)
        linear.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        linear.a_matrix_.start_, linear.a_matrix_.index_ = program["start"], program["index"]
        linear.a_matrix_.value_ = program["value"]
        limit = float(program["limit"])
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("solver", "hipo"), ("threads", 1), ("time_limit", limit)):
        solver.setOptionValue(option, value)
    solver.passModel(linear)
    start = time.process_time()
    solver.run()
    seconds = time.process_time() - start
    is_optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    values = np.array(solver.getSolution().col_value) if is_optimal else np.empty(0)
    np.savez(found, values=values, seconds=np.array(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])

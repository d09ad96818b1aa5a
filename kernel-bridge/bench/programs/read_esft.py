"""Reads ESFT's files with pandas, once for each line on standard input, and prints how long it took in seconds.

Arguments: the folder, and "numbers" (one column a number) or "text" (ids and weights of a line as two texts).
"""

import gzip
import sys
import time
from pathlib import Path

import pandas

folder, how = sys.argv[1:]
files = sorted(Path(folder).glob("expert_weights_*.txt*"))


def columns(file):
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt") as lines:
        return max(line.count("\t") for line in lines) + 1


# Lines differ in length and pandas wants the longest first: counted before the clock runs.
widths = [columns(file) for file in files]

for _ in sys.stdin:
    start = time.perf_counter()
    for file, width in zip(files, widths):
        if how == "numbers":
            pandas.read_csv(file, sep="\t", header=None, names=range(width))
        else:
            pandas.read_csv(file, sep="\t\t", header=None, engine="python")
    print(time.perf_counter() - start, flush=True)

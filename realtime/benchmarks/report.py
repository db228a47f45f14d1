"""The output of the benchmarks: one JSON object a line."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from statistics import median


def is_selected(case: str) -> bool:
    """Whether the option `--only` selects this case; without it all cases are selected."""
    return os.environ.get("BENCH_ONLY", "") in case


def print_result(
    *, bench: str, case: str, metric: str, value: float, baseline: str, baseline_value: float
) -> None:
    ratio = round(value / baseline_value, 4) if baseline_value else None
    entry = {
        "bench": bench,
        "case": case,
        "metric": metric,
        "value": float(f"{value:.4g}"),
        "baseline": baseline,
        "baseline_value": float(f"{baseline_value:.4g}"),
        "ratio": ratio,
    }
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()


def medians(rounds: int, cases: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Measures every case in every round, so that all cases see the same load of the machine."""
    values: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, measure in cases.items():
            values[name].append(measure())
    return {name: median(measured) for name, measured in values.items()}

"""What the growth verdict promises, measured on series of known truth: the tables of docs/verdict.md.

python bench/verdict.py                    # the tables, a few minutes
python bench/verdict.py --rows 100 --reports 2
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
from series import KINDS, LEVEL, NULLS, QUANTUM, SIGMA, make, mixed

from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_bars import GrowthOptions
from leakreport.analysis.growth_results import WORDS, GrowthVerdicts, GrowthWord

LENGTHS = (6, 8, 10, 12, 20, 30, 60, 100)
ALONE = GrowthOptions(is_family=False)


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


def words_of(verdicts: GrowthVerdicts) -> list[str]:
    return [str(WORDS[code]) for code in verdicts.words]


def kinds_table(rows: int, seed: int) -> None:
    print("\n## Words by kind, each series judged alone: right % (growing %) for n =", *LENGTHS)
    totals = {n: Counter[str]() for n in LENGTHS}
    for name, kind in KINDS.items():
        cells = []
        for n in LENGTHS:
            values, slopes = make(name, rows, n, seed)
            verdicts = judge_series(values, quantum=float(QUANTUM), options=ALONE)
            words = words_of(verdicts)
            right = sum(word in kind.words for word in words)
            is_growing = np.array([word == "growing" for word in words])
            cells.append(f"{100 * right / rows:.0f} ({100 * is_growing.mean():.0f})")
            total = totals[n]
            total["rows"] += rows
            total["right"] += right
            if not kind.is_leak:
                total["null"] += rows
                total["alarms"] += int(is_growing.sum())
                continue
            total["leaks"] += rows
            total["found"] += int(is_growing.sum())
            is_promised = slopes >= verdicts.smallest_leak
            total["promised"] += int(is_promised.sum())
            total["kept"] += int((is_promised & is_growing).sum())
            if kind.has_rate:
                is_told = np.array([word in {"growing", "unclear"} for word in words])
                total["told"] += int(is_told.sum())
                total["held"] += int((is_told & (verdicts.low <= slopes) & (slopes <= verdicts.high)).sum())
            total["steady"] += rows * kind.has_rate
            total["unclear"] += words.count("unclear") * kind.has_rate
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n## All kinds: n | false % per series | leaks found % | promises kept % | interval holds % | right word %")
    for n, t in totals.items():
        cells = (
            percent(t["alarms"], t["null"]), percent(t["found"], t["leaks"]), percent(t["kept"], t["promised"]),
            percent(t["held"], t["told"]), percent(t["right"], t["rows"]),
        )  # fmt: skip
        print(f"| {n} | {' | '.join(cells)} |")


def reports_table(reports: int) -> None:
    print("\n## Whole reports without a leak: false alarms of reports")
    alarms = 0
    sizes = (10, 20, 30, 60, 100)
    for seed in range(reports):
        for n in sizes:
            verdicts = judge_series(mixed(100_000 if seed == 0 else 20_000, n, seed), quantum=float(QUANTUM))
            alarms += bool(len(verdicts.rows_of(GrowthWord.GROWING)))
    print(f"| mixed, 20,000 to 100,000 paths | {alarms} of {reports * len(sizes)} |")
    alarms = count = 0
    for seed in range(reports):
        for name in NULLS:
            for n in (8, *sizes):
                values, _ = make(name, 10_000, n, 1000 + seed)
                found = len(judge_series(values, quantum=float(QUANTUM)).rows_of(GrowthWord.GROWING))
                alarms, count = alarms + bool(found), count + 1
                if found:
                    print(f"  {name}, n = {n}, seed {1000 + seed}: {found}")
    print(f"| 10,000 paths of one kind | {alarms} of {count} |")


def unclear_table(rows: int, seed: int) -> None:
    print("\n## `unclear` among flat, step, plateau and steady-leak series, % for n = 12, 20, 30, 60, 100")
    groups = {
        "flat": ("constant", "white noise", "heavy tails", "AR(0.5)"),
        "step": ("step", "exact step"),
        "plateau": ("warm-up", "cache fills"),
        "steady leak": ("leak, exact", "leak, white noise", "leak, AR(0.5)"),
    }
    for title, names in groups.items():
        cells = []
        for n in (12, 20, 30, 60, 100):
            found = [words_of(judge_series(make(name, rows, n, seed)[0], quantum=float(QUANTUM), options=ALONE))
                     for name in names]  # fmt: skip
            cells.append(percent(sum(words.count("unclear") for words in found), rows * len(names)))
        print(f"| {title} | {' | '.join(cells)} |")


def smallest_table(rows: int, seed: int) -> None:
    print(
        "\n## Smallest leak in white noise, median, in standard deviations per snapshot: n | alone | of 100 | of 10^5"
    )
    for n in (10, 20, 30, 60, 100):
        values, _ = make("white noise", 100_000, n, seed)
        cells = []
        for count, options in ((rows, ALONE), (100, None), (100_000, None)):
            smallest = judge_series(values[:count], quantum=float(QUANTUM), options=options).smallest_leak
            cells.append(f"{np.median(smallest) / SIGMA:.3g}")
        print(f"| {n} | {' | '.join(cells)} |")


def cost_table() -> None:
    print("\n## Cost: CPU seconds for 100,000 series of 100, the first call and the best of four")
    noisy = make("white noise", 100_000, 100, 1)[0]
    for title, values in (
        ("all noisy", noisy),
        ("mixed", mixed(100_000, 100, 1)),
        ("constant", np.full_like(noisy, LEVEL)),
    ):
        seconds = []
        for _ in range(4):
            start = time.process_time()
            judge_series(values, quantum=float(QUANTUM))
            seconds.append(time.process_time() - start)
        print(f"| {title} | {seconds[0]:.2f} | {min(seconds):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--reports", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cost_table()
    smallest_table(options.rows, options.seed)
    kinds_table(options.rows, options.seed)
    unclear_table(options.rows, options.seed)
    reports_table(options.reports)


if __name__ == "__main__":
    main()

"""CPU and memory of `leakreport trend` on dumps of a program that does not exist: does it grow with their number, or faster?

Each dump has the stacks of the one before and a few more; one stack in fifty holds more in each. CPU seconds of whole
processes; 20 dumps of 20,000 stacks are 150 MB and take well under a minute.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from run import MIB, median

MOST_SECONDS = 6.0
MOST_MEMORY = 400 * MIB
CODE, LIBRARIES = 0x5507_0000_0000, 10
FUNCTIONS = 20_000
DEEPEST = 40


def write_dumps(folder: Path, dumps: int, stacks: int) -> list[Path]:
    """The dumps of one process, always the same bytes."""
    chance = random.Random(1)
    callees = [
        [chance.randrange(FUNCTIONS) for _ in range(chance.choice((1, 1, 1, 2, 3, 6)))] for _ in range(FUNCTIONS)
    ]
    lines = []
    for _ in range(stacks):
        function, addresses = chance.randrange(50), []
        for _ in range(chance.randrange(10, DEEPEST)):
            slot = int(len(callees[function]) * chance.random() ** 2)
            addresses.append(f"0x{CODE + (function % LIBRARIES << 32) + (function * 64 + slot * 4):x}")
            function = callees[function][slot]
        lines.append((chance.randrange(1, 4000), 8 * chance.randrange(1, 8000), " ".join(reversed(addresses))))
    mappings = "".join(
        f"{CODE + (number << 32):x}-{CODE + (number << 32) + (1 << 24):x} r-xp 00000000 08:01 {100 + number} /opt/app/lib{number}.so\n"
        for number in range(LIBRARIES)
    )
    paths = []
    for dump in range(1, dumps + 1):
        held = [
            (count * (dump if number % 50 == 0 else 1), size, stack)
            for number, (count, size, stack) in enumerate(lines[: int(stacks * (0.99 + 0.01 * dump / dumps))])
        ]
        blocks, amount = sum(count for count, _, _ in held), sum(count * size for count, size, _ in held)
        rows = "".join(f"{count}: {count * size} [{count}: {count * size}] @ {stack}\n" for count, size, stack in held)
        path = folder / f"app.{dump:04}.heap"
        path.write_text(
            f"heap profile: {blocks}: {amount} [{blocks}: {amount}] @ heapprofile\n{rows}\nMAPPED_LIBRARIES:\n{mappings}",
            encoding="ascii",
        )
        paths.append(path)
    return paths


def main() -> None:
    """Print the table; fail where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=int, default=20)
    parser.add_argument("--stacks", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(path) for path in write_dumps(Path(folder), chosen.dumps, chosen.stacks)]
        size = sum(Path(path).stat().st_size for path in paths) / MIB
        command = [sys.executable, "-m", "leakreport", "trend"]
        costs = median(
            {
                f"{chosen.dumps // 4} dumps": [*command, *paths[: chosen.dumps // 4]],
                f"{chosen.dumps // 2} dumps": [*command, *paths[: chosen.dumps // 2]],
                f"{chosen.dumps} dumps, {size:.0f} MiB": [*command, *paths],
                f"{chosen.dumps} dumps as runs": [*command, *paths, "--as", "runs"],
                f"{chosen.dumps} dumps, json": [*command, *paths, "--to", "json"],
            }
        )
    print(f"{'trend':<28}{'CPU s':>8}{'peak MiB':>10}")
    for name, (seconds, peak) in costs.items():
        print(f"{name:<28}{seconds:>8.2f}{peak / MIB:>10.0f}")
    print(f"goal for 20 dumps of 20,000 stacks: at most {MOST_SECONDS:g} CPU seconds and {MOST_MEMORY // MIB} MiB")
    whole = costs[f"{chosen.dumps} dumps, {size:.0f} MiB"]
    if whole.seconds > MOST_SECONDS or whole.peak > MOST_MEMORY:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

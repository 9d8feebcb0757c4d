"""Folded stacks: `outer;inner COUNT`, one line per stack, for flame graphs and everything that reads them.

The count is the metric that ranks the paths. Lines with the same names are summed; stacks that hold none of it are left
out. In names, `;`, line ends, other control characters and backslashes are written as `\\xNN`.
"""

from __future__ import annotations

from collections import defaultdict

from leakreport.analysis.report import Report
from leakreport.render.interface import RenderOptions
from leakreport.render.stack_text import beside_the_paths, one_line, shown_metric, stack_lines


class FoldedRenderer:
    """Writes what flame graphs are drawn from."""

    name = "folded"
    suffix = ".folded"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """One line per stack, largest first."""
        del options
        names, metric = stack_lines(report), shown_metric(report)
        sums: defaultdict[str, int] = defaultdict(int)
        for row in report.paths:
            sums[one_line(row, names)] += row.values.get(metric, 0)
        for name, amounts in beside_the_paths(report):
            sums[name] += amounts.get(metric, 0)
        lines = sorted(
            ((amount, stack) for stack, amount in sums.items() if amount), key=lambda line: (-line[0], line[1])
        )
        return "".join(f"{stack} {amount}\n" for amount, stack in lines)

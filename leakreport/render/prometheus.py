"""Figures as Prometheus text: totals, the verdict and the gate, issues by rule, and the first paths.

Every figure is a gauge of one run. Paths are few and have no line in their labels: each combination of labels is a time
series of its own that the server keeps.

Source: prometheus/docs, "Text-based format", "Metric and label naming"; the collector of node_exporter refuses timestamps.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from leakreport import __version__
from leakreport.analysis.report import GateResult, Status
from leakreport.model.metrics import METRICS
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import IssueList, IssueRenderer
from leakreport.render.phrases import cut, printable
from leakreport.render.places import Roots

MOST_PATHS = 20
LONGEST_LABEL = 200
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")
Sample = tuple[Mapping[str, str], int | float]


class PrometheusRenderer(IssueRenderer):
    """Writes the text exposition format, version 0.0.4."""

    name = "prometheus"
    suffix = ".prom"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The samples, family by family."""
        return "".join(_families(found, Roots.of(options)))


def _families(found: IssueList, roots: Roots) -> Iterator[str]:
    program = {"program": found.title}
    yield _family("info", "The program that was looked at, and by what.",
                  [({**program, "version": __version__, "kind": found.kind}, 1)])  # fmt: skip
    for metric in sorted(found.totals):
        known = METRICS.get(metric)
        title = metric if known is None else known.title
        yield _family(metric, f"{title}, in all.", [(program, found.totals[metric])])
        if found.totals_before is not None and metric in found.totals_before:
            text = f"{title}, how much more than before."
            yield _family(f"change_{metric}", text, [(program, found.totals[metric] - found.totals_before[metric])])
    statuses = [({**program, "status": one.value}, int(one is found.verdict.status)) for one in Status]
    yield _family("verdict", "The verdict: 1 for the one that holds.", statuses)
    gates = [({**program, "result": one.value}, int(one is found.verdict.gate)) for one in GateResult]
    yield _family("gate", "What the thresholds made of it: 1 for the one that holds.", gates)
    yield _family("inputs", "Inputs that were read.", [(program, len(found.inputs))])
    incomplete = sum(not summary.is_complete for summary in found.inputs)
    yield _family("incomplete_inputs", "Inputs that do not say all they had to say.", [(program, incomplete)])
    yield _family("trustworthy", "1 where inputs are whole and a verdict was possible.",
                  [(program, int(not found.troubles))])  # fmt: skip
    counts = Counter((issue.rule.id, issue.severity.value) for issue in found.issues)
    rules = [({**program, "rule": rule, "severity": severity}, count) for (rule, severity), count in counts.items()]
    yield _family("issues", "Issues by rule.", rules)
    if found.check is not None:
        states = [({**program, "state": state}, count) for state, count in found.check.counts.items()]
        yield _family("check_leaks", "Leaks by what the baseline knows of them.", states)
    yield from _paths(found, roots)


def _paths(found: IssueList, roots: Roots) -> Iterator[str]:
    by_metric: dict[str, list[Sample]] = {}
    for issue in [one for one in found.issues if one.values][:MOST_PATHS]:
        place = found.place_of(issue, roots)
        labels = {
            "program": found.title,
            "id": issue.id,
            "rule": issue.rule.id,
            "function": issue.title,
            "file": printable(place.path),
            "module": printable(issue.module or ""),
            "owner": printable(issue.owner or ""),
            "state": "" if issue.state is None else issue.state.value,
        }
        for metric in ("retained_bytes", "retained_blocks"):
            if issue.values is not None and metric in issue.values:
                by_metric.setdefault(metric, []).append((labels, issue.values[metric]))
    prefix = "path_change" if found.kind == "diff" else "path"
    text = "how much more than before" if found.kind == "diff" else "held"
    for metric, samples in by_metric.items():
        unit = metric.partition("_")[2].capitalize()
        yield _family(f"{prefix}_{metric}", f"{unit} {text} by one of the first paths.", samples)


def _family(name: str, text: str, samples: Iterable[Sample]) -> str:
    full = f"leakreport_{_NOT_IN_A_NAME.sub('_', name)}"
    lines = "".join(f"{full}{_labels(labels)} {value}\n" for labels, value in samples)
    if not lines:
        return ""
    explained = printable(text).replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {full} {explained}\n# TYPE {full} gauge\n{lines}"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{key}="{_value(value)}"' for key, value in labels.items())
    return f"{{{pairs}}}"


def _value(text: str) -> str:
    return cut(text, LONGEST_LABEL).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

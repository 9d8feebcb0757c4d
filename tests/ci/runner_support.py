"""A small runner of composite actions: the steps of action.yml in order, with bash, as GitHub's runner calls it.

Written from GitHub's documents ("Metadata syntax", "Variables", "Workflow commands"); it knows the few expressions that
action.yml uses and fails at any other.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def load_yaml(text: str) -> Any:
    """A YAML document, as version 1.2 reads it."""
    return YAML(typ="safe", pure=True).load(text)


ACTION: Any = load_yaml((ROOT / "action.yml").read_text(encoding="utf-8"))


@dataclass(slots=True)
class Outcome:
    """What a job sees of an action."""

    exit_code: int
    """Of the first step that failed, else 0."""
    outputs: dict[str, str]
    log: str
    summary: str
    ran: list[str]
    """Names of the steps that ran."""


@dataclass(slots=True)
class Runner:
    """Runs the action in a workspace."""

    folder: Path
    environment: Mapping[str, str]
    """What a step gets besides the variables of the runner."""
    done: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs of steps, by id, that are not run again."""

    @property
    def workspace(self) -> Path:
        """Where the project is checked out."""
        return self.folder / "workspace"

    def run(self, inputs: Mapping[str, str], event: str = "{}") -> Outcome:
        """The steps in order."""
        context: dict[str, str] = {"github.token": "a-token"}
        for name, declared in ACTION["inputs"].items():
            assert name in inputs or not declared.get("required"), name
            context[f"inputs.{name}"] = inputs.get(name, expand(str(declared.get("default", "")), context))
        assert not set(inputs) - set(ACTION["inputs"])
        for id_, outputs in self.done.items():
            context |= {f"steps.{id_}.outputs.{name}": value for name, value in outputs.items()}
        code, log, ran = 0, "", []
        for number, step in enumerate(ACTION["runs"]["steps"]):
            condition = step.get("if", "success()")
            if not holds(condition, context) or (code != 0 and "always()" not in condition):
                continue
            ran.append(step["name"])
            if "run" not in step or step.get("id") in self.done:
                continue
            found = self._step(step, number, context, event)
            log += found.stdout
            code = code or found.returncode
        outputs = {name: expand(declared["value"], context) for name, declared in ACTION["outputs"].items()}
        summary = "".join(path.read_text() for path in sorted((self.folder / "files").glob("summary-*")))
        return Outcome(code, outputs, log, summary, ran)

    def _step(self, step: Any, number: int, context: dict[str, str], event: str) -> subprocess.CompletedProcess[str]:
        temp, files = self.folder / "temp", self.folder / "files"
        for path in (temp, files, self.workspace):
            path.mkdir(exist_ok=True)
        output, summary, script = files / f"output-{number}", files / f"summary-{number}", files / f"step-{number}.sh"
        output.write_text("")
        summary.write_text("")
        script.write_text(expand(step["run"], context))
        (files / "event.json").write_text(event)
        variables = {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_EVENT_PATH": str(files / "event.json"),
            "GITHUB_JOB": "memory",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_WORKFLOW": "CI",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(temp),
            **self.environment,
            **{name: expand(str(value), context) for name, value in step.get("env", {}).items()},
        }
        assert set(step) <= {"name", "id", "if", "shell", "env", "run"}
        assert step["shell"] == "bash"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        if id_ := step.get("id"):
            context |= {f"steps.{id_}.outputs.{k}": v for k, v in parse_outputs(output.read_text()).items()}
        return done


def expand(text: str, context: Mapping[str, str]) -> str:
    """A text with its expressions filled in."""
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda match: _value(match[1], context), text)


def holds(condition: str, context: Mapping[str, str]) -> bool:
    """Whether a step's condition does."""
    for part in condition.split(" && "):
        if part in {"always()", "success()"}:
            continue
        match = re.fullmatch(r"([\w.-]+) (==|!=) ('[^']*')", part)
        assert match, f"an expression that this runner does not know: {part}"
        if (_value(match[1], context) == _value(match[3], context)) != (match[2] == "=="):
            return False
    return True


def _value(name: str, context: Mapping[str, str]) -> str:
    if name.startswith("'"):
        return name.strip("'")
    assert re.fullmatch(r"(inputs|steps|github|runner)\.[\w.-]+", name), name
    return context.get(name, "")


def parse_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT: `name=value` and `name<<END`, lines, `END`."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        if match := re.fullmatch(r"([\w-]+)<<(.+)", line):
            value = []
            while (more := next(lines)) != match[2]:
                value.append(more)
            found[match[1]] = "\n".join(value)
        else:
            name, equals, rest = line.partition("=")
            assert equals, line
            found[name] = rest
    return found

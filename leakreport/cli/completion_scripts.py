"""Completion scripts of bash, zsh and fish, made from what the commands say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from leakreport.cli.described import Command, Option

Commands = Sequence[Command]


def bash_script(commands: Commands) -> str:
    """For bash 3.2 and later. The words are taken from the line: bash itself splits them at `:` and `=`."""
    return _BASH.replace("%PARTS%", "\n".join(_bash_parts(commands))).replace(
        "%VALUES%", "\n".join(_bash_values(commands))
    )


_BASH = r"""# Completion of leakreport for bash. Made by: leakreport completion bash
_leakreport() {
  local line=${COMP_LINE:0:COMP_POINT} cur prev='' command='' words options='' values='' kind='' keep='' word
  local -a found
  read -r -a found <<< "$line"
  [[ $line == *[[:space:]] ]] && found+=('')
  cur=${found[${#found[@]}-1]}
  [ ${#found[@]} -gt 2 ] && prev=${found[${#found[@]}-2]}
  COMPREPLY=()
  for word in "${found[@]:1:${#found[@]}-2}"; do
    case $command/$word in
%PARTS%
    esac
  done
  if [[ $cur == --*=* ]]; then
    prev=${cur%%=*}
    # Only what stands behind a sign that bash splits at is replaced.
    [[ $COMP_WORDBREAKS == *=* ]] || keep=$prev=
    cur=${cur#*=}
  fi
  case $command/$prev in
%VALUES%
  esac
  case $kind in
    words) COMPREPLY=($(compgen -P "$keep" -W "$values" -- "$cur")); return ;;
    list)
      [[ $cur == *,* ]] && keep=$keep${cur%,*},
      COMPREPLY=($(compgen -P "$keep" -W "$values" -- "${cur##*,}")); return ;;
    target)
      local IFS=$'\n'
      if [[ $cur == *:* ]]; then
        [[ $COMP_WORDBREAKS == *:* ]] || keep=$keep${cur%%:*}:
        compopt -o filenames 2> /dev/null
        COMPREPLY=($(compgen -P "$keep" -f -- "${cur#*:}"))
      else
        COMPREPLY=($(compgen -P "$keep" -S : -W "${values// /$IFS}" -- "$cur") $(compgen -P "$keep" -f -- "$cur"))
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2> /dev/null
      fi
      return ;;
    file|text) return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o bashdefault -o default -F _leakreport leakreport
"""


def _name(command: Command) -> str:
    return " ".join(command.words)


def _bash_parts(commands: Commands) -> Iterator[str]:
    for command in commands:
        for part in command.parts:
            yield f"      {_quoted(f'{_name(command)}/{part}')}) command={_quoted(' '.join((*command.words, part)))} ;;"


def _bash_values(commands: Commands) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.metavar:
                pattern = "|".join(_quoted(f"{_name(command)}/{name}") for name in option.names)
                yield f"    {pattern}) kind={_kind(option)} values={_quoted(' '.join(option.choices))} ;;"
    yield "  esac"
    yield "  case $command in"
    for command in commands:
        options = " ".join(name for option in command.options for name in option.names)
        words = " ".join((*command.parts, *(word for argument in command.arguments for word in argument.choices)))
        yield f"    {_quoted(_name(command))}) options={_quoted(options)} words={_quoted(words)} ;;"


def _kind(option: Option) -> str:
    if option.takes_target:
        return "target"
    if option.metavar == "LIST":
        return "list"
    return "words" if option.choices else "file" if option.takes_files else "text"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_script(commands: Commands) -> str:
    """For zsh, as a file `_leakreport` of a folder in `$fpath`, or evaluated after `compinit`."""
    functions = "\n".join(_zsh_function(command) for command in commands)
    return (
        f"#compdef leakreport\n# Completion of leakreport for zsh. Made by: leakreport completion zsh\n{_ZSH_TARGET}\n{functions}\n"
        'if [[ ${funcstack[1]} == _leakreport ]]; then\n  _leakreport "$@"\nelse\n  compdef _leakreport leakreport\nfi\n'
    )


_ZSH_TARGET = r"""_leakreport_target() {
  if compset -P '*:'; then
    _files
  else
    _alternative "formats:format:compadd -S : -a formats" 'files:file:_files'
  fi
}"""


def _zsh_function(command: Command) -> str:
    name = "_".join(("_leakreport", *command.words))
    targets = next((option.choices for option in command.options if option.takes_target), ())
    lines = [
        f"{name}() {{",
        "  local curcontext=$curcontext state line ret=1",
        f"  local -a formats=({' '.join(targets)})",
    ]
    lines.append("  _arguments -C -s \\")
    for option in command.options:
        lines.extend(f"    {_quoted(spec)} \\" for spec in _zsh_options(option))
    if command.parts:
        lines += ["    '1: :->command' '*:: :->rest' && ret=0", "  case $state in"]
        lines += [f"    command) _values command {' '.join(map(_quoted, command.parts))} && ret=0 ;;"]
        lines += ["    rest) case $words[1] in"]
        lines += [f"      {part}) {name}_{part} && ret=0 ;;" for part in command.parts]
        lines += ["    esac ;;", "  esac"]
    else:
        words = [argument.choices for argument in command.arguments if argument.choices]
        lines.append(f"    {_quoted('*: :(' + ' '.join(words[0]) + ')' if words else '*:file:_files')} && ret=0")
    return "\n".join([*lines, "  return ret", "}"])


def _zsh_options(option: Option) -> Iterator[str]:
    about = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    for name in option.names:
        star = "*" if option.is_repeatable else ""
        sign = "=" if option.metavar and name.startswith("--") else ""
        yield f"{star}{name}{sign}[{about}]{_zsh_value(option)}"


def _zsh_value(option: Option) -> str:
    if not option.metavar:
        return ""
    title = option.metavar.lower().replace(":", "\\:")
    words = " ".join(option.choices)
    match _kind(option):
        case "target":
            action = "_leakreport_target"
        case "list":
            action = f"_sequence compadd - {words}"
        case "words":
            action = f"({words})"
        case "file":
            action = "_files"
        case _:
            action = " "
    return f":{title}:{action}"


def fish_script(commands: Commands) -> str:
    """For fish, as `completions/leakreport.fish`."""
    lines = ["# Completion of leakreport for fish. Made by: leakreport completion fish", _FISH_HEAD]
    for command in commands:
        lines.extend(_fish_command(command, {one.words: one.summary for one in commands}))
    return "\n".join(lines) + "\n"


_FISH_HEAD = r"""complete -c leakreport -e
function __leakreport_is
    set -l words
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a words $word
    end
    test "$words[1..$(count $argv)]" = "$argv"
end
function __leakreport_at
    set -l words
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a words $word
    end
    test "$words" = "$argv"
end
function __leakreport_files
    set -l word (commandline -ct)
    set -l format (string match -r '^[a-z-]+:' -- $word)
    if test -n "$format"
        for name in (__fish_complete_path (string replace -- $format '' $word))
            echo $format$name
        end
    end
end"""


def _fish_command(command: Command, summaries: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    if command.words:
        here = f"-n {_fish_quoted(f'__leakreport_is {_name(command)}')}"
    else:
        here = f"-n {_fish_quoted('__leakreport_at')}"
    for part in command.parts:
        at = _fish_quoted(f"__leakreport_at {_name(command)}".rstrip())
        about = summaries[(*command.words, part)]
        yield f"complete -c leakreport -f -n {at} -a {part} -d {_fish_quoted(about)}"
    for argument in command.arguments:
        if argument.choices:
            at = _fish_quoted(f"__leakreport_at {_name(command)}")
            yield f"complete -c leakreport -f -n {at} -a {_fish_quoted(' '.join(argument.choices))}"
    for option in command.options:
        names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
        yield f"complete -c leakreport {here} {names}{_fish_value(option)} -d {_fish_quoted(option.help)}"


def _fish_value(option: Option) -> str:
    words = _fish_quoted(" ".join(option.choices))
    match _kind(option):
        case "target":
            formats = " ".join(f"{name}:" for name in option.choices)
            return f" -r -a {_fish_quoted(f'{formats} (__leakreport_files)')}"
        case "list":
            return f" -x -a {_fish_quoted('(__fish_append , ' + ' '.join(option.choices) + ')')}"
        case "words":
            return f" -x -a {words}"
        case "file":
            return " -r"
        case _:
            return " -x" if option.metavar else ""


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: Mapping[str, Callable[[Commands], str]] = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}
"""By the name of the shell."""

"""`rbmqs completion SHELL`: a script that completes commands and options, made from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

SHELLS = ("bash", "zsh", "fish")

_BASH = """_rbmqs() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} path="" known="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${{COMP_WORDS[i]}}" in -*) ;; *) path="$path ${{COMP_WORDS[i]}}" ;; esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$known" -- "$word") $(compgen -f -- "$word"))
}}
complete -o filenames -F _rbmqs rbmqs
"""


def add_completion_options(
    parser: argparse.ArgumentParser, build: Callable[[], argparse.ArgumentParser]
) -> None:
    """The shell, and the whole parser to complete from."""
    parser.add_argument("shell", choices=SHELLS, help="bash, zsh or fish")
    parser.set_defaults(run=lambda options: print(script(options.shell, build()), end="") or 0)


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """What the shell reads, as by `source <(rbmqs completion bash)`."""
    known = list(_words(parser))
    if shell == "fish":
        lines = []
        for path, words in known:
            test = " ; and ".join(f"__fish_seen_subcommand_from {word}" for word in path)
            when = test or "__fish_use_subcommand"
            lines.append(f"complete -c rbmqs -n '{when}' -a '{' '.join(words)}'")
        return "\n".join(lines) + "\n"
    # The longest path first: what was typed after it does not change the options.
    cases = "\n".join(
        f'    "{"".join(f" {word}" for word in path)}"*) known="{" ".join(words)}" ;;'
        for path, words in sorted(known, key=lambda found: -len(found[0]))
    )
    begin = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return begin + _BASH.format(cases=cases)


def _words(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Commands and long options after each path of commands."""
    words = [word for word in parser._option_string_actions if word.startswith("--")]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words += action.choices
            for name, below in action.choices.items():
                yield from _words(below, (*path, name))
    yield path, words

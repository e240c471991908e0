"""What makes a shell complete our words: the lines that `glassnat completion SHELL` prints.

For zsh and fish they are click's. bash cuts a line into words at more than white space: at each of
the characters in `COMP_WORDBREAKS`, and `:`, `=` and `@` are among them. It hands over
`sip-poor:no-s` as three words, and puts what it is answered in the place of the last one only. So
our function joins what stands together on the line before it asks, and takes from each answer what
stands on the line already.
"""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, get_completion_class


class _Bash(BashComplete):
    source_template = """\
%(complete_func)s() {
    local line=$COMP_LINE words=() word rest before value type i

    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        rest=${line#"${line%%%%[![:space:]]*}"}
        if [[ i -gt 0 && $rest == "$line" ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    word=${words[-1]}
    before=${word%%"$2"}

    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                [[ $word == -*=* && $value != -* ]] && value=${word%%%%=*}=$value
                [[ $value == *= ]] && compopt -o nospace
                COMPREPLY+=("${value#"$before"}")
                ;;
        esac
    done < <(
        IFS=$'\\n'
        COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \\
            %(complete_var)s=bash_complete "$1"
    )
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


def source(shell: str, root: click.Command) -> str:
    """The lines for one of bash, zsh and fish."""
    maker = _Bash if shell == "bash" else get_completion_class(shell)
    assert maker is not None
    return maker(root, {}, "glassnat", "_GLASSNAT_COMPLETE").source()

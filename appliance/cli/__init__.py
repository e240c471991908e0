"""The command line: `glassnat COMMAND`. This file is the table of commands and the last resort.

Each command lives in a file of its group, which is imported only when that command is asked for.
Whatever goes wrong below ends here as one sentence and one exit code:
0 fine, 1 the answer is no, 2 usage or configuration, 3 not possible on this machine,
4 wrong state, 5 tidy-up incomplete, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

gc.set_threshold(200_000)  # loading makes half as many objects, and all of them stay

try:
    import click

    from appliance.cli import streams
    from appliance.cli.base import (
        CONTROL_OPTION,
        INTERRUPTED,
        NO,
        USAGE,
        Failure,
        Group,
        narrate,
        on_terminal,
    )
    from appliance.journal.plain import clean
    from appliance.version import VERSION
except KeyboardInterrupt:  # loading takes most of the time of a short command
    sys.exit(130)

COMMANDS = {
    "sim": "appliance.cli.sim:sim",
    "matrix": "appliance.cli.matrix:matrix",
    "lab": "appliance.cli.lab:lab",
    "check": "appliance.cli.simulate:check",
    "run": "appliance.cli.running:run",
    "up": "appliance.cli.up:up",
    "down": "appliance.cli.down:down",
    "status": "appliance.cli.down:status",
    "names": "appliance.cli.names:names",
    "attach": "appliance.cli.running:attach",
    "show": "appliance.cli.show:show",
    "set": "appliance.cli.control:set_",
    "flush": "appliance.cli.control:flush",
    "watch": "appliance.cli.control:watch",
    "capture": "appliance.cli.capture:capture",
    "replay": "appliance.cli.replay:replay",
    "import": "appliance.cli.importing:import_",
    "export": "appliance.cli.export:export",
    "alg": "appliance.cli.modules:alg",
    "scenario": "appliance.cli.library:scenario",
    "profile": "appliance.cli.library:profile",
    "config": "appliance.cli.configuration:config",
    "doctor": "appliance.cli.machine:doctor",
    "keys": "appliance.cli.machine:keys",
    "completion": "appliance.cli.machine:completion",
}


@click.group(cls=Group, lazy=COMMANDS, invoke_without_command=True)
@click.version_option(VERSION, prog_name="glassnat")
@CONTROL_OPTION
@click.pass_context
def root(context: click.Context, control: str | None) -> None:
    """A NAT you can see through.

    A phone behind a NAT calls somebody outside: watch every translation live, every SIP message
    before and after, and the reason for each byte that an ALG changes.

    \b
    Begin with:
      glassnat sim one-way-audio             a simulated call; no root needed
      glassnat sim one-way-audio --alg sip   the same with a correct ALG
      glassnat alg diff invite.txt --alg sip one message through an ALG
      glassnat config init > lab.toml        a configuration for real wires
      sudo glassnat run --config lab.toml    the appliance on two TUN devices
      glassnat doctor                        what works on this machine
    """
    if context.invoked_subcommand is not None:
        return
    if not on_terminal():
        narrate(context.get_help())
        raise Failure("", USAGE)
    from appliance.cli.picking import pick  # only this way draws

    pick()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        streams.prepare()
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # `glassnat watch | head`: the reader has had enough
        streams.give_up(sys.stdout)
        code = 0
    except streams.Unprintable as failure:
        streams.give_up(sys.stdout)
        _complain(str(failure))
        code = failure.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    gc.freeze()  # to look through all that was loaded, once more, would take longer than to end
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit code of a command line."""
    try:
        answer = root.main(args=arguments, prog_name="glassnat", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except (BrokenPipeError, streams.Unprintable):
        raise
    except Exception as error:
        return _explain(error)
    return answer if isinstance(answer, int) else 0


def _explain(error: Exception) -> int:
    """Say what went wrong; the exit code for it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        narrate(error.format_message())
        return USAGE
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "glassnat"
        _complain(f"{error.format_message()}\n(see: {command} --help)")
        return USAGE
    if isinstance(error, click.ClickException):
        _complain(error.format_message())
        return USAGE
    if hasattr(error, "exit_code"):
        _complain(str(error))
        return int(error.exit_code)
    if os.environ.get("GLASSNAT_DEBUG"):
        raise error
    _complain(
        f"internal error: {type(error).__name__}: {error}\n"
        "(this is a mistake in glassnat; GLASSNAT_DEBUG=1 shows where)"
    )
    return NO


def _complain(text: str) -> None:
    if text:
        first, *rest = (clean(line, 1000) for line in text.split("\n"))
        narrate("\n".join([f"{click.style('glassnat:', fg='red', bold=True)} {first}", *rest]))

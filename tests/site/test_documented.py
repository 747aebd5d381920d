"""Every public name, command and option is in the reference, and what is linked is there."""

import inspect
import re

import pytest
from tools.site import api
from tools.site.api import documented
from tools.site.command_line import command_line, commands, parameters

import pminusy
import pminusy.testing
from pminusy.cli.app import COMMANDS

torch = pytest.importorskip("pminusy.torch")


def public_names():
    """Every name that a user may import."""
    for module in (pminusy, torch, pminusy.testing):
        yield from (f"{module.__name__}.{name}" for name in module.__all__)


def test_every_public_name_is_in_the_reference_and_no_other():
    # What `explain`, `play` and `quiz` return has no public name; its methods are public.
    returned = {"Derivation", "Playground", "Question"}
    listed = {name for name in documented() if name.rsplit(".", 1)[1] not in returned}
    assert listed == set(public_names())


def test_a_name_that_is_forgotten_is_noticed(monkeypatch):
    monkeypatch.setattr(api, "GROUPS", api.GROUPS[1:])
    assert "pminusy.explain" in set(public_names()) - documented()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_does(name):
    command = commands()[name]
    chapter = command_line()
    assert command.help
    assert f"## `pminusy {name}`\n" in chapter
    for parameter in parameters(name, command):
        assert f"`{parameter.flags}`\n: " in chapter
        words = parameter.text.partition("[default")[0].strip()
        assert words, f"{name} {parameter.flags}: no text for help"


def test_the_reference_of_torch_is_read_from_its_source():
    text = api.reference()
    assert ".. autoclass:: pminusy.torch" not in text
    for name in torch.__all__:
        found = getattr(torch, name)
        kind = "class" if inspect.isclass(found) else "function"
        (line,) = re.findall(
            rf"^\.\. py:{kind}:: pminusy\.torch\.{name}\((.*)\)$", text, re.MULTILINE
        )
        parameters = inspect.signature(found).parameters.values()
        listed = [part.partition("=")[0].strip("* ") for part in re.split(r", (?![^(]*\))", line)]
        assert [part for part in listed if part] == [p.name for p in parameters]
        assert inspect.cleandoc(found.__doc__).partition("\n")[0].replace("|", r"\|") in text

"""What may differ from one party to the next: the words of its table in a scenario.

Each kind of party has a struct of traits beside its class, and each trait says what it is for and
where it comes from (`about`). A trait is also a knob: `--set parties.pbx.comedia=true` turns it for
one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from nat.endpoint import Side, parse_address


def about(sentence: str) -> msgspec.Meta:
    """What a trait is for, with its unit and its source."""
    return msgspec.Meta(description=sentence)


def about_seconds(sentence: str) -> msgspec.Meta:
    """The same for a whole number of seconds, which may be written with a unit where it is
    turned."""
    return msgspec.Meta(description=sentence, extra_json_schema={"format": DURATION})


DURATION = "duration"


class Traits(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What all parties have: which side of the NAT they are on, and where."""

    address: Annotated[str, about("Its IP address.")]
    side: Annotated[Literal["inside", "outside"], about("Its side of the NAT.")]
    port_unreachable: Annotated[
        bool,
        about(
            "Answer datagrams to closed ports by an ICMP error (RFC 1122 4.1.3.1). Hosts behind a "
            "firewall of their own do not."
        ),
    ] = False

    @property
    def wire(self) -> Side:
        return Side[self.side.upper()]

    @property
    def own_address(self) -> int:
        return parse_address(self.address)

    @property
    def addresses(self) -> Sequence[str]:
        """All that it is reached at, its own first."""
        return (self.address,)

    def people(self, name: str) -> Sequence[str]:
        """Whom one can call there, when the party is called `name`."""
        return (name,)

    def check(self) -> None:
        """What the types cannot say. Raises ValueError, whose text is a trait, a colon and a
        sentence about it."""
        self.must_parse(parse_address, "address")
        for word in self.__struct_fields__:
            number = getattr(self, word)
            if (
                f"_{word}".endswith(("_port", "_from"))
                and number is not None
                and not 0 <= number <= 65535
            ):
                raise ValueError(f"{word}: there is no port {number}")

    def must_parse(self, parse: Callable[[str], object], trait: str) -> None:
        """Each text of this trait. Raises ValueError as `check` does."""
        value = getattr(self, trait)
        for text in [value] if isinstance(value, str) else value:
            try:
                parse(text)
            except ValueError as error:
                raise ValueError(f"{trait}: {error}") from None


NOT_TURNED = ("address", "side")
"""Words that say who a party is, and not how it behaves."""


class Trait(NamedTuple):
    """A word of a party's table: what it is for, the values that it may have (a type in words), and
    its default (None: there is none, or it is None)."""

    name: str
    about: str
    values: str
    default: Any


def traits_of(kind: type[Traits]) -> Iterator[Trait]:
    """All that can be turned at a party of this kind."""
    for field in msgspec.structs.fields(kind):
        if field.name not in NOT_TURNED:
            schema = msgspec.json.schema(field.type)
            default = None if field.required else _default(field)
            yield Trait(field.name, schema.get("description", ""), _in_words(schema), default)


def choices_of(kind: Any) -> list[str]:
    """The words that a value of this type may be; none where any value of it will do."""
    return [str(word) for word in msgspec.json.schema(kind).get("enum", ())]


def is_duration(kind: Any) -> bool:
    """Are values of this type seconds? All numbers that are no integers are."""
    return "number" in types_of(kind) or msgspec.json.schema(kind).get("format") == DURATION


def types_of(kind: Any) -> list[str]:
    """The types that a value of this type may have, as JSON calls them."""
    return _types(msgspec.json.schema(kind))


def _types(schema: dict[str, Any]) -> list[str]:
    alternatives = schema.get("anyOf") or (schema,)
    return [str(each["type"]) for each in alternatives if "type" in each]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def _in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return " | ".join(_types(schema))

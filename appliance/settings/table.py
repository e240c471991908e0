"""The one table of settings: every key with its kind, default, meaning and source.

All else is derived from it: what a file may hold (`files.py`), the commented sample,
the JSON Schema, `show settings`, and what may change while packets flow. A setting that is not in
this table does not exist; a setting that is in it must act.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.settings.checks import Problem, contradictions, derive
from appliance.settings.kinds import (
    Address,
    Device,
    EndpointText,
    Fault,
    Flag,
    InterfaceAddress,
    Kind,
    ListOf,
    Name,
    Namespace,
    PortRange,
    Prefix,
    Records,
    Seconds,
    SecondsByPort,
    Spec,
    Text,
    Whole,
    Word,
    nearest,
)

DEPENDENCE = ("endpoint-independent", "address-dependent", "address-and-port-dependent")
_COUNT = Whole(1, 10_000_000)
_FILE = Text("the name of a file", 4096)


class SettingError(ValueError):
    """A value that a setting cannot have, or a key that does not exist. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration.

    `live`: may change while packets flow. `sample`: what the commented sample shows, when that is
    more telling than the default.
    """

    key: str
    kind: Kind
    default: Any
    help: str
    source: str = ""
    live: bool = False
    sample: Any = None


def _live(key: str, kind: Kind, default: Any, text: str, source: str = "") -> Setting:
    return Setting(key, kind, default, text, source, live=True)


def _wire(side: str, device: str, samples: tuple[str, str, str]) -> tuple[Setting, ...]:
    """The keys that both wires have."""
    namespace, address, route = samples
    return (
        Setting(
            f"{side}.device",
            Device(),
            device,
            "TUN device: created, or attached to if it exists",
        ),
        Setting(
            f"{side}.netns",
            Namespace(),
            "",
            "namespace the device is moved to (a name under /run/netns, or a path)",
            sample=namespace,
        ),
        Setting(
            f"{side}.address",
            InterfaceAddress(),
            "",
            "address of the kernel's end of the TUN",
            sample=address,
        ),
        Setting(
            f"{side}.routes",
            ListOf(Prefix()),
            [],
            "routes through the device, in that namespace",
            sample=[route],
        ),
        Setting(f"{side}.mtu", Whole(68, 65535), 1500, "largest packet, in bytes", "RFC 791"),
    )


_TABLE = (
    Setting("name", Name(), "glassnat", "names this appliance for `attach`, `show` and `down`"),
    Setting(
        "profile",
        Text("a profile", 64),
        "",
        "a product's or a teacher's set of settings, applied before this file",
        sample="rfc4787",
    ),
    *_wire("inside", "gn-in", ("phones", "192.168.20.100/24", "0.0.0.0/0")),
    Setting(
        "inside.networks",
        ListOf(Prefix()),
        [],
        "sources that count as internal; default: the network of `address`",
        "RFC 2827",
        sample=["192.168.20.0/24"],
    ),
    Setting(
        "inside.gateway",
        Address(empty=True),
        "",
        "the appliance's own address on this wire; default: first host of the first network",
        sample="192.168.20.1",
    ),
    *_wire("outside", "gn-out", ("world", "203.0.113.254/24", "203.0.113.0/24")),
    Setting(
        "outside.external",
        ListOf(Address()),
        [],
        "the NAT's external addresses; the appliance owns them, the kernel does not",
        live=True,
        sample=["203.0.113.1"],
    ),
    _live(
        "nat.mapping",
        Word(DEPENDENCE),
        DEPENDENCE[0],
        "how much of the remote endpoint a mapping depends on",
        "RFC 4787 4.1",
    ),
    _live(
        "nat.filtering",
        Word(DEPENDENCE),
        DEPENDENCE[1],
        "who may answer through a mapping",
        "RFC 4787 5",
    ),
    _live(
        "nat.tcp_filtering",
        Word(("as-udp", *DEPENDENCE)),
        "as-udp",
        "who may answer or connect through a mapping of TCP, if not as nat.filtering says",
        "RFC 5382 REQ-3",
    ),
    _live(
        "nat.ports",
        Word(("preserve", "sequential", "random")),
        "preserve",
        "how an external port is chosen",
        "RFC 4787 4.2.1",
    ),
    _live(
        "nat.port_range",
        PortRange(),
        [1024, 65535],
        "external ports to choose from",
        "RFC 4787 4.2.2",
    ),
    _live(
        "nat.overloading",
        Flag(),
        False,
        "may one external port serve several mappings? (Linux does)",
        "RFC 4787 REQ-3",
    ),
    _live(
        "nat.poisoning",
        Flag(),
        False,
        "does an unsolicited packet take its port away from flows to its sender? (Linux does)",
    ),
    _live(
        "nat.pooling",
        Word(("paired", "arbitrary")),
        "paired",
        "does a host always appear under the same one of several external addresses?",
        "RFC 4787 REQ-2",
    ),
    _live("nat.parity", Flag(), True, "even ports stay even, odd ports odd", "RFC 4787 REQ-4"),
    _live(
        "nat.hairpin",
        Flag(),
        True,
        "may inside hosts reach each other by their external endpoints?",
        "RFC 4787 REQ-9",
    ),
    _live(
        "nat.refresh_inbound",
        Flag(),
        False,
        "does inbound traffic keep a mapping alive?",
        "RFC 4787 REQ-6a",
    ),
    _live(
        "nat.port_rest",
        Seconds(low=0.0),
        120.0,
        "a released external port rests this long before another host gets it",
        "RFC 6888 REQ-8",
    ),
    _live("nat.mss_clamp", Flag(), False, "cut the TCP segment size in SYNs down to the MTU"),
    _live(
        "nat.refusal",
        Word(("prohibited", "host-unreachable", "silent")),
        "prohibited",
        "what a host hears when there is no room for its flow: ICMP code 13, code 1, or nothing",
        "RFC 5508 REQ-8, RFC 6888 REQ-11",
    ),
    _live(
        "nat.answer_syns",
        Flag(),
        True,
        "does an unsolicited SYN get ICMP port unreachable after six seconds?",
        "RFC 5382 REQ-4",
    ),
    _live(
        "nat.eviction",
        Word(("off", "unanswered-first")),
        "off",
        "does a full table forget an unanswered flow to make room? (Linux does)",
        "RFC 6888 REQ-11",
    ),
    _live(
        "nat.renumbering",
        Word(("flush", "keep")),
        "flush",
        "what becomes of flows whose external address is taken away",
    ),
    Setting(
        "nat.no_translate",
        ListOf(Prefix()),
        [],
        "remotes that are reached without translation: they see inside addresses",
        "RFC 6888 REQ-6",
        sample=["198.51.100.0/24"],
    ),
    Setting(
        "nat.static",
        Records({"internal": Address(), "external": Address()}),
        [],
        "1:1: this host has this external address to itself",
        "RFC 2663 4.1.1",
        sample=[{"internal": "192.168.20.10", "external": "203.0.113.10"}],
    ),
    Setting(
        "nat.forward",
        Records(
            {
                "protocol": Word(("udp", "tcp")),
                "external": EndpointText(),
                "internal": EndpointText(),
            }
        ),
        [],
        "port forwarding: strangers may open flows to this inside endpoint",
        sample=[
            {
                "protocol": "udp",
                "external": "203.0.113.1:5060",
                "internal": "192.168.20.10:5060",
            }
        ],
    ),
    _live(
        "nat.timeouts.udp_unanswered",
        Seconds(),
        120.0,
        "UDP, nothing came back yet",
        "RFC 4787 REQ-5",
    ),
    _live("nat.timeouts.udp", Seconds(), 300.0, "UDP, both directions seen", "RFC 4787 REQ-5c"),
    _live("nat.timeouts.tcp_established", Seconds(), 7440.0, "TCP, established", "RFC 5382 REQ-5"),
    _live(
        "nat.timeouts.tcp_transitory",
        Seconds(),
        240.0,
        "TCP, opening or closing",
        "RFC 5382 REQ-5",
    ),
    _live(
        "nat.timeouts.tcp_closing",
        Seconds(words=("auto",)),
        "auto",
        "TCP, closing or reset; auto: as tcp_transitory",
        "RFC 7857 2.1",
    ),
    _live("nat.timeouts.icmp", Seconds(), 60.0, "ICMP queries (ping)", "RFC 5508 REQ-2"),
    _live(
        "nat.timeouts.fragments",
        Seconds(),
        30.0,
        "the rest of a datagram must have come by then",
        "RFC 791 3.2",
    ),
    _live(
        "nat.timeouts.udp_by_port",
        SecondsByPort(),
        {53: 30.0},
        "UDP, by remote port, in the place of the two above",
        "RFC 4787 REQ-5a",
    ),
    _live("nat.limits.flows", _COUNT, 65536, "flows in all", "RFC 6888 REQ-5"),
    _live("nat.limits.flows_per_host", _COUNT, 8192, "flows of one host", "RFC 6888 REQ-4"),
    _live(
        "nat.limits.ports_per_host",
        Whole(0, 10_000_000),
        0,
        "external ports of one host; 0 = what its flows and doors may need",
        "RFC 6888 REQ-4",
    ),
    _live(
        "nat.limits.resting_ports",
        Whole(0, 65536),
        65536,
        "ports at rest (see nat.port_rest), for each protocol and external address",
        "RFC 6888 REQ-8",
    ),
    _live(
        "nat.limits.unanswered_per_host",
        _COUNT,
        2048,
        "flows of one host that nobody has answered yet",
    ),
    _live("nat.limits.expectations", _COUNT, 4096, "doors that ALGs hold open"),
    _live("nat.limits.expectations_per_host", _COUNT, 512, "the same, of one host"),
    _live(
        "nat.limits.expectations_per_parent",
        _COUNT,
        8,
        "the same, of one call or registration (counted in mappings)",
    ),
    _live(
        "nat.limits.waiting_syns",
        Whole(0, 65536),
        256,
        "unsolicited SYNs that are remembered for six seconds",
        "RFC 5382 REQ-4",
    ),
    _live(
        "nat.limits.fragments",
        Whole(1, 65536),
        64,
        "datagrams that wait for the rest of their fragments",
        "RFC 4787 REQ-14a",
    ),
    _live("nat.limits.fragments_per_host", Whole(1, 65536), 8, "the same, from one address"),
    _live("nat.limits.fragment_pieces", Whole(2, 8192), 64, "fragments of one datagram"),
    _live("nat.limits.fragment_bytes", Whole(65536, 1 << 30), 1 << 20, "bytes of all of them"),
    _live(
        "nat.limits.icmp_per_second",
        Whole(0, 1_000_000),
        100,
        "ICMP messages that the NAT sends by itself; 0 = none",
        "RFC 1812 4.3.2.8",
    ),
    _live(
        "nat.limits.icmp_per_second_per_target", Whole(0, 1_000_000), 10, "the same, to one address"
    ),
    _live(
        "nat.limits.new_flows_per_second_per_host",
        Whole(0, 10_000_000),
        1000,
        "with a burst of twice that; 0 = no limit",
        "RFC 6888 REQ-4",
    ),
    _live(
        "alg.sip.module",
        Spec(("off", "sip", "sip-poor")),
        "off",
        "off, sip, sip-poor, sip-poor:FAULT,FAULT or FILE.py:CLASS",
        "RFC 4787 REQ-10",
    ),
    _live(
        "alg.sip.faults",
        ListOf(Fault()),
        [],
        "what `sip-poor` does wrong when the module names no faults (see: glassnat alg list)",
    ),
    _live(
        "alg.sip.ports",
        ListOf(Whole(1, 65535), 1, 8),
        [5060],
        "remote or internal ports that SIP is looked for on",
        "RFC 3261 18.1",
    ),
    _live(
        "alg.sip.transports",
        ListOf(Word(("udp", "tcp")), 1, 2),
        ["udp", "tcp"],
        "transports that SIP is looked for on",
    ),
    _live(
        "alg.sip.timeout",
        Seconds(words=("auto",)),
        "auto",
        "how long signalling keeps its mapping; auto: the larger of 1 h and the granted expiry "
        "+ 32 s",
        "RFC 3261 10.2.4",
    ),
    _live(
        "alg.sip.media_peers",
        Word(("signalling", "any")),
        "signalling",
        "who may send media in: the signalling peer and the address in its SDP, or anyone",
    ),
    _live(
        "alg.sip.received",
        Word(("hide", "learn")),
        "hide",
        "answers inwards: restore what the phone wrote, or let it learn received and rport",
        "RFC 3581 4",
    ),
    _live(
        "alg.sip.observe",
        Flag(),
        True,
        "run the correct module dry beside the active one, to say what was missed",
    ),
    _live(
        "alg.ftp.module",
        Spec(("off", "ftp", "ftp-poor")),
        "off",
        "off, ftp, ftp-poor, ftp-poor:FAULT,FAULT or FILE.py:CLASS",
        "RFC 5382 REQ-6",
    ),
    _live(
        "alg.ftp.ports",
        ListOf(Whole(1, 65535), 1, 8),
        [21],
        "remote or internal ports that FTP is looked for on",
        "RFC 959 8",
    ),
    _live(
        "alg.ftp.observe",
        Flag(),
        True,
        "run the correct module dry beside the active one, to say what was missed",
    ),
    Setting(
        "alg.dns.module",
        Spec(("off",)),
        "off",
        "off, or FILE.py:CLASS",
        "RFC 4787 REQ-10",
        live=True,
    ),
    Setting(
        "capture.file",
        _FILE,
        "",
        'pcapng, interfaces "inside" and "outside", reasons as packet comments',
    ),
    Setting("record.file", _FILE, "", "events, one JSON object a line"),
)

SETTINGS: dict[str, Setting] = {setting.key: setting for setting in _TABLE}


def find(key: str) -> Setting:
    """The setting behind a key. Raises SettingError that names the nearest key."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise SettingError(f"unknown key{nearest_key(key)}")
    return setting


def nearest_key(key: str) -> str:
    """A hint for a wrong key: like another as a whole, or in its last word (`udp_time_out`)."""
    hint = nearest(key, list(SETTINGS))
    section, _, word = key.rpartition(".")
    words = {name.rpartition(".")[2]: name for name in SETTINGS if name.startswith(section)}
    close = nearest(word, list(words)).partition('"')[2].partition('"')[0]
    return f'; did you mean "{words[close]}"?' if close else hint


@dataclass(slots=True)
class Settings:
    """All values, flat: `values["nat.timeouts.udp"]`, and where each came from.

    Made by `appliance.settings.files.load` (checked) or by calling it (all defaults, for tests).
    """

    values: dict[str, Any] = field(
        default_factory=lambda: {key: copy.deepcopy(s.default) for key, s in SETTINGS.items()}
    )
    origins: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SETTINGS, "default"))

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def section(self, name: str) -> Mapping[str, Any]:
        """The keys below `name`, without it: `section("alg.sip")["module"]`."""
        prefix = f"{name}."
        return {
            key[len(prefix) :]: value
            for key, value in self.values.items()
            if key.startswith(prefix)
        }

    @staticmethod
    def parse(key: str, value: object) -> Any:
        """One value (text, TOML or JSON) in the program's form. Raises SettingError."""
        try:
            return find(key).kind.parse(value)
        except SettingError:
            raise
        except ValueError as error:
            raise SettingError(str(error)) from None

    def assign(self, key: str, value: object, origin: str) -> Any:
        """Store a value before the start; answers it as stored. Raises SettingError.

        `nat.timeouts.udp_by_port.53` sets one entry of that table.
        """
        table, _, entry = key.rpartition(".")
        if table in SETTINGS and isinstance(SETTINGS[table].kind, SecondsByPort):
            merged = {**self.values[table], **self.parse(table, {entry: value})}
            return self._store(table, merged, origin)
        return self._store(key, self.parse(key, value), origin)

    def change(self, key: str, value: object, origin: str = "set") -> Any:
        """The same for an appliance that runs: only what can act at once, and only when the whole
        still makes sense. Raises SettingError and leaves everything as it was."""
        changed = Settings(dict(self.values), dict(self.origins))
        stored = changed.assign(key, value, origin)
        name = key if key in SETTINGS else key.rpartition(".")[0]
        if not SETTINGS[name].live:
            raise SettingError("cannot change while the appliance runs; set it in the file")
        before = contradictions(self.values)
        for problem in contradictions(changed.values):
            if problem not in before:
                raise SettingError(f"{problem.key}: {problem.sentence}")
        self.values, self.origins = changed.values, changed.origins
        return stored

    def complete(self) -> list[Problem]:
        """Fill in what follows from other keys, then list everything that contradicts itself."""
        for key, value in derive(self.values).items():
            self.values[key] = value
        return contradictions(self.values)

    def _store(self, key: str, value: Any, origin: str) -> Any:
        self.values[key] = value
        self.origins[key] = origin
        return value

"""How many faults are recognised from captures alone?

    python -m tests.appliance.forensics.judge [SITUATION …]

Every fault in every situation in which it changes a packet; takes some minutes. What the tests
check of it is in `test_diagnosis.py`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence

from alg.registry import MODULES
from appliance.forensics.diagnosis import Diagnosis, diagnose
from appliance.forensics.replaying import Tape, networks_of
from appliance.forensics.sides import joined
from nat.endpoint import Network
from tests.appliance.forensics.situations import ALL, SIP, captured


def judged(tapes: tuple[Tape, Tape], sets: Sequence[str]) -> Diagnosis:
    networks = [Network.parse(text) for text in networks_of(tapes[0])]
    return diagnose(joined(*tapes, networks), SIP, [5060], sets)


def bytes_of(tapes: tuple[Tape, Tape]) -> list[bytes]:
    return [packet.to_bytes() for tape in tapes for _, packet in tape.sightings]


def main(names: Sequence[str]) -> None:
    recognised: dict[str, list[str]] = defaultdict(list)
    for name in names:
        right = bytes_of(captured(name, "sip")[0])
        for fault in MODULES["sip-poor"].faults:
            tapes, sets = captured(name, f"sip-poor:{fault}")
            if bytes_of(tapes) == right:
                continue
            found = [each.name for each in judged(tapes, sets).faults]
            if fault in found:
                recognised[fault].append(name)
            print(f"{name}: {fault}: {', '.join(found[:6]) or 'none named'}")
        for spec in ("off", "sip"):
            tapes, sets = captured(name, spec)
            wrongly = [each.name for each in judged(tapes, sets).faults]
            print(f"{name}: {spec}: {', '.join(wrongly) or 'none named'}")
    missing = [each for each in MODULES["sip-poor"].faults if each not in recognised]
    print(f"{len(recognised)} recognised; not: {', '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:] or [*ALL])

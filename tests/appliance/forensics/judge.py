"""How many faults are recognised from captures alone?

    python -m tests.appliance.forensics.judge [SHARE] [SITUATION …]

Every fault in every situation in which it changes a packet; takes some minutes. SHARE of the
packets, such as 0.01, are lost by the captures. What the tests check of it is in
`test_diagnosis.py`.
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
from tests.appliance.forensics.situations import ALL, SIP, captured, lossy


def judged(tapes: tuple[Tape, Tape], sets: Sequence[str]) -> Diagnosis:
    networks = [Network.parse(text) for text in networks_of(tapes[0])]
    return diagnose(joined(*tapes, networks), SIP, [5060], sets)


def bytes_of(tapes: tuple[Tape, Tape]) -> list[bytes]:
    return [packet.to_bytes() for tape in tapes for _, packet in tape.sightings]


def main(names: Sequence[str], share: float) -> None:
    recognised: dict[str, list[str]] = defaultdict(list)
    for name in names:
        right = bytes_of(captured(name, "sip")[0])
        for seed, fault in enumerate(MODULES["sip-poor"].faults):
            tapes, sets = captured(name, f"sip-poor:{fault}")
            if bytes_of(tapes) == right:
                continue
            found = [each.name for each in judged(lossy(tapes, share, seed), sets).faults]
            if fault in found:
                recognised[fault].append(name)
            print(f"{name}: {fault}: {', '.join(found[:6]) or 'none named'}")
        for seed, spec in enumerate(("off", "sip")):
            tapes, sets = captured(name, spec)
            wrongly = [each.name for each in judged(lossy(tapes, share, seed), sets).faults]
            print(f"{name}: {spec}: {', '.join(wrongly) or 'none named'}")
    missing = [each for each in MODULES["sip-poor"].faults if each not in recognised]
    print(f"{len(recognised)} recognised; not: {', '.join(missing)}")


if __name__ == "__main__":
    given = sys.argv[1:]
    lost = float(given.pop(0)) if given and given[0] not in ALL else 0.0
    main(given or [*ALL], lost)

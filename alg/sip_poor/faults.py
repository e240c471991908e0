"""All faults by name."""

from __future__ import annotations

from alg.sip_poor import headers, media, pinholes
from alg.sip_poor.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*headers.FAULTS, *media.FAULTS, *pinholes.FAULTS)
}

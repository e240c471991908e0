"""Names of our own are answered with all that there is of them, both ways."""

from __future__ import annotations

from dnslib import QTYPE, RCODE, DNSRecord

from appliance.namespaces.names.hosts import Host, parse
from appliance.namespaces.names.own import zones
from appliance.parties.zone import answer

HOSTS: list[Host] = [
    parse(each) for each in ("pbx=192.168.20.10", "pbx=192.168.20.11", "www.a.net=192.168.20.10")
]


def asked(name: str, kind: str = "A") -> DNSRecord:
    return DNSRecord.parse(answer(bytes(DNSRecord.question(name, kind).pack()), zones(HOSTS)))


def test_a_name_has_all_its_addresses() -> None:
    assert [str(each.rdata) for each in asked("PBX").rr] == ["192.168.20.10", "192.168.20.11"]


def test_an_address_leads_back_to_the_first_of_its_names() -> None:
    """RFC 1035 3.5."""
    (record,) = asked("10.20.168.192.in-addr.arpa", "PTR").rr
    assert (QTYPE[record.rtype], str(record.rdata)) == ("PTR", "pbx.")


def test_what_a_name_of_ours_has_not_nobody_has() -> None:
    """RFC 2308 2.2: no data, with the SOA that says for how long."""
    said = asked("www.a.net", "AAAA")
    assert (said.header.rcode, said.rr) == (RCODE.NOERROR, [])
    assert [QTYPE[each.rtype] for each in said.auth] == ["SOA"]

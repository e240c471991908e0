"""SIP messages of a phone at 192.168.20.100:5060, which is seen as 203.0.113.1:1024."""

from __future__ import annotations

OWN, SEEN = "192.168.20.100:5060", "203.0.113.1:1024"

REGISTER = f"""
REGISTER sip:203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>
Call-ID: 1@192.168.20.100
CSeq: 1 REGISTER
Max-Forwards: 70
Contact: <sip:a@{OWN}>
User-Agent: Phone 192.168.20.100
Content-Length: 0
"""
REGISTERED = f"""
SIP/2.0 200 OK
Via: SIP/2.0/UDP {SEEN};branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>;tag=2
Call-ID: 1@203.0.113.1
CSeq: 1 REGISTER
Contact: <sip:a@{SEEN}>;expires=300
Expires: 60
Content-Length: 0
"""
ACK = f"""
ACK sip:bob@10.9.9.9:5060 SIP/2.0
Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1
From: <sip:a@203.0.113.9>;tag=1
To: <sip:a@203.0.113.9>;tag=2
Call-ID: 1
CSeq: 1 ACK
Content-Length: 0
"""
INVITE = f"""
INVITE sip:bob@203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP {OWN};branch=z9hG4bK1
From: <sip:a@192.168.20.100>;tag=1
To: <sip:b@203.0.113.9>
Call-ID: 1
CSeq: 1 INVITE
Contact: <sip:a@{OWN}>, <sip:a@198.51.100.7>
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 192.168.20.100
s=-
c=IN IP4 192.168.20.100
t=0 0
m=audio 4000 RTP/AVP 0
a=x:192.168.20.100
"""
CALLED = f"""
SIP/2.0 200 OK
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1
From: <sip:b@203.0.113.9>;tag=2
To: <sip:a@203.0.113.9>;tag=1
Call-ID: 7
CSeq: 1 INVITE
Contact: <sip:a@{OWN}>
Content-Length: 0
"""

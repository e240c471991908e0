"""Application layer gateways: which bytes of a message must change when its addresses do, and why?

A module reads one message and answers edits, never bytes. It knows the NAT's values (endpoints,
directions) and asks for everything else by the verbs of its context. Read in this order:

    base        what a module is, and what it may ask for
    off         the smallest one
    edits       how edits become a message, and which are refused
    stream      the same for a message that comes in pieces, over TCP
    sip/        the correct module for SIP, and its parser; begin with correct.py
    sip_poor/   the same made wrong, one named fault at a time; begin with poor.py
    compare     what one module did, beside what the correct one would have done
    registry    how a module is named: "sip", "sip-poor:no-sdp", "my_alg.py:MyAlg"
    spec        is the module of that name somebody's own?
"""

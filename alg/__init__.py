"""Application layer gateways: a message in, edits out.

A module reads one message and answers which bytes it wants changed and why. It knows the NAT's
values (endpoints, directions) and asks for everything else through the doors of its context.
"""

"""How does another process look at a running appliance, and turn it? JSON, a line each, over a Unix
socket: `show`, `set`, `watch` and the screen are clients of it, and none of them can stop a packet.
"""

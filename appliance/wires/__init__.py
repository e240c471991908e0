"""How do bytes get in and out? TUN devices, the namespaces that they stand in, and the privileges
that opening them takes and that are given up before the first packet.
"""

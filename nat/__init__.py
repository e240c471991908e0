"""Pure translation: bytes and numbers in, bytes and verdicts out.

This room knows nothing of SIP, sockets, clocks, threads or terminals; `now` is always an
argument. Read in this order: endpoint, checksum, packet, behavior, mapping, translator.
"""

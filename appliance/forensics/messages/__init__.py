"""Messages out of what people have: pasted text, logs, captures. In the order in which to read it:

`excerpt` what is found, `reading` which form a file has, `lines` a text as lines, `tools` what the
tools write between messages, `tcpdump` and what it glues before them, `prefixes` what stands before
each line, `mending` line ends and where a message ends; `capture` the frames of a pcap or pcapng,
`links` the packet in a frame, `packets` the messages in packets.

Rule of the room: a message keeps its bytes. Only what a tool, a mail or an editor put around it is
taken away, and all that was done is said.
"""

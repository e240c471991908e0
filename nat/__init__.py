"""Pure translation: bytes and numbers in, bytes and verdicts out.

This room knows nothing of SIP, sockets, clocks, threads or terminals; `now` is always an argument,
in seconds. Which file answers which question, in an order in which they can be read:

    values
    endpoint      which words are there for where a packet comes from and goes to?
    reach         which addresses can nobody outside send to?
    packet        what do the bytes of a packet say, and can they be read safely?
    checksum      why can a checksum be known before the packet comes?
    drop          what becomes of a packet that is not forwarded, and why?
    behavior      what can be chosen about a NAT?

    records
    mapping       what is remembered: mapping, flow, leg, expectation?
    patch         what does a leg write into its packets?
    deadlines     when is a record forgotten?

    the way of a packet
    translator    is it on the fast road? if not, what is to be asked of it, in which order?
    admission     no flow knows it: who may open what?
    following     what does a flow learn from its packets?
    errors        which flow is this ICMP error about?
    icmp          what stands in an ICMP message, and what does the NAT say by itself?
    fragments     is the datagram whole? how is one cut?
    tcp           where does a connection stand?   mss   how large may its segments be?
    unsolicited   what becomes of a SYN that nobody asked for?

    the tables
    conntrack     which flows are there, and how does one begin and end?
    mappings      who is mapped to what, and who needs it?
    pairs         which two ports do RTP and RTCP get, if one of them has its own already?
    keys          by what is a mapping found when the inside sends?
    rules         what do the settings lay down for some hosts?
    expectations  what has an ALG announced?
    limits        how much may one host use up?
    assignment    which external address does a mapping get?   ports   and which port of it?
    poison        which ports does an unsolicited packet take away?

    from outside
    policy        at which points may somebody decide otherwise?
    changes       what does another setting do to what exists?
    events        what is told to an observer?
"""

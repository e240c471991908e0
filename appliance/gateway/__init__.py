"""How does the datapath use a module, and what if the module fails? A message goes in and comes
back edited or as it was; what the module asked for is granted as a whole or not at all.

Read in this order:

    slot         what stands on a flow in the place of a module?
    slots        which flow gets which slot?
    inspection   how is one message put through a module, and what is told of it?
    context      what is the module granted, and how is it undone?
    memory       what does it remember?
    rehearsal    what would another module have been granted?
    workers      what if it is somebody else's, and never ends?
    turns        what if there are more messages than can be read, and whose turn is it?
    streams      how does a TCP stream become messages, and become packets again?
    trial        one message in a NAT of its own: `alg diff`, and tests
"""

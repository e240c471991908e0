"""Where the NAT and the modules meet wires, settings, files and the clock.

Read in this order:

    datapath    one packet from wire to wire; what it calls is in the rooms below
    engine      what ties NAT, modules and settings together, and takes a change of them
    loop        when all this happens: the one place that asks what time it is

    gateway/    how does the datapath use a module, and what if the module fails?
    wires/      how do bytes get in and out of the kernel?
    journal/    what happened, in words, and how often?
    settings/   what can be chosen, what does it mean, and do the choices agree?
    control/    how does another process look at a running appliance, and turn it?
    cli/        what does a command do?
    parties/    how do phones and servers behave?
    sim/        what happens to them behind this NAT, without a kernel and without waiting?
    scenarios/  which stories are there? (data only)
    namespaces/ how does it get between virtual machines, or a story among real programs?
    forensics/  what did somebody's router change, by its captures?
"""

"""What happened, and how often? Events in the past tense, counters, drops with their reasons, the
sentences made of them, and the recordings that keep them.

Read in this order:

    events       what can happen?
    log          who numbers events, and who hears of them?
    narrator     which event is made of what the NAT tells?
    drops        how is a flood of refused packets told in a line a second?
    counters     where did everything go that was received?
    tap          what does one packet look like at the points of its way?
    sentences    how is an event said in plain words?   plain    and what of a text may be shown?
    rows         how is a message cut into lines?   hexdump   and into bytes?
    recorder     how are events kept in a file?
"""

"""What can be found out afterwards, from files: recordings and captures, of this NAT or of somebody
else's router. In the order in which to read it:

`recordings` events out of a file, `exporting` a recording in other forms; `sightings` the packets
of a capture with their times, `replaying` one side of a capture through a NAT of ours.
"""

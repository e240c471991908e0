"""What can be found out afterwards, from files: recordings and captures, of this NAT or of somebody
else's router. In the order in which to read it:

`messages/` single messages, out of pasted text, logs and captures.

`recordings` events out of a file, `exporting` a recording in other forms; `replaying` one side of a
capture through a NAT of ours.

Of somebody's router: `sides` its two captures as one, `retracing` the same packets through a NAT of
ours, `diagnosis` which fault does the same, `observed` what it made of each message, `reporting`
all of it for people and programs.
"""

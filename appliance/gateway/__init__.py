"""How does the datapath use a module, and what if the module fails? A message goes in and comes
back edited or as it was; what the module asked for is granted as a whole or not at all.
"""

"""What needs network namespaces: the appliance among real machines and real programs.

`between/` puts it between the bridges of virtual machines and takes it away again; `lab/` plays a
story with it, each party in a namespace of its own.
"""

"""How do SIP ALGs go wrong? Each fault that was seen in a product is one function with a name here,
and can be switched on alone, aimed and repeated. Read `poor.py` first.
"""

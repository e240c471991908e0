"""How fast is it, beside what else there is? Ratios, measured in one run on one machine.

`__main__.py` tells the order of events, `contestants.py` who takes part, `measures.py` what is
measured, `chart.py` draws the result, `bare.py` is the floor of the language, `alone.py` measures
what much state costs the appliance itself, `between.py` what `glassnat up` does.
"""

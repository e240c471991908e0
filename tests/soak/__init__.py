"""A long run of mixed traffic through the real appliance: see `__main__.py`."""

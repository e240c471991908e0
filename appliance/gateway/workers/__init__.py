"""A module of somebody's own, in a process of its own: how is it started, what may it do, how is it
asked, and what becomes of one that does not answer? Read `module` first; `worker` is the other end
of its line, `frames` what is said on it.
"""

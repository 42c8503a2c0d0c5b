"""Fleet, a supporting context: the condition of bikes, and the trucks that move them.

A bike is *available* here when it is not flagged for repair.
"""

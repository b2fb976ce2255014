"""The policies of DESIGN decision 10, one module for each family; nothing else is understood.

``registry`` maps an element's name to the function that reads it; ``reading`` has what those functions
share. Called by ``policy_files`` at the start; the objects made here run in ``pipeline``. A policy must not
know which API it stands in.
"""

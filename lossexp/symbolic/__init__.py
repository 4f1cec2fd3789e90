"""Losses from a line of text: read by a small grammar, differentiated by SymPy, computed by NumPy.

Nothing in the text is ever executed. `grammar` turns it into an expression, node by node, from a list of what is
allowed; `functions` holds that list, with the derivative of each function; `choices` writes what conditions choose as
limits; `compiler` turns expressions into programs, lists of NumPy calls; `derivation` makes those of a formula and its
derivative; `checking` tries them out; `bounds`, by `intervals`, finds the least value where that is certain.

Only `program` does without SymPy, whose import takes half a second: the others are imported when there is a formula.
"""

"""Losses from a line of text: read by a small grammar, differentiated by SymPy, computed by NumPy.

Nothing in the text is ever executed. `grammar` turns it into an expression, node by node, from a list of what is
allowed; `functions` holds that list with the derivative of each function; `program` turns an expression into a list of
NumPy calls; `kernels` puts value and gradient of a loss together.
"""

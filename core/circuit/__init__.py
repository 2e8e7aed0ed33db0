"""Which modules make a recommendation: contrast prompts, attribution, patching, the circuit.

pagerank.py     which evidence is near a target item
contrast.py     prompts with and without their evidence
passes.py       batches of contrasts, and the places of a model that a forward pass goes through
attribution.py  scores of edges and modules
patching.py     running a circuit
extract.py      contrasts to a circuit
graph.py        names, order, and the circuit as a graph
"""

"""The circuit engine: which modules make a recommendation.

A module is one attention head or one MLP of one layer. The engine stands alone: plain Hugging Face models and pairs of
token ids go in, scores and circuits come out. README.md in this folder has an example.

pagerank.py         which titles of a history are close to a target item
donors.py           which titles can replace a title of a history
counterfactuals.py  prompts with and without the evidence for their target
prompt_pairs.py     the pair of a clean and a counterfactual prompt, and batches of pairs
hooks.py            the only forward hooks: observers of what modules read and write
head_weights.py     the matrices by which heads read from the residual stream and write to it
gradients.py        gradients at every input and output of a module
attribution.py      scores of edges and modules
patching.py         exact runs of a circuit
pruning.py          scores to circuits of edges
extraction.py       prompt pairs to a circuit of modules
slot_gradients.py   gradients by the part of the prompt in which a module writes
prompt_graph.py     the graph of a single prompt, by module and part of the prompt
bootstrap.py        how sure a circuit is
graph.py            names and order of edges, and the circuit as a graph
graph_json.py       EAP-IG's JSON and networkx
neuronpedia_json.py graph JSON of circuit-tracer and Neuronpedia
"""

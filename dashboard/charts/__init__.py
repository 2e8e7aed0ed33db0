"""Results as Altair charts for both themes; every mark has a tooltip, and no meaning depends on colour alone."""

from dashboard.charts.benchmark import differences, pareto, sequential
from dashboard.charts.circuit import faithfulness, memory, places, reads
from dashboard.charts.comparison import distance, intervals, slopes
from dashboard.charts.encodings import Chart
from dashboard.charts.evidence import bounds
from dashboard.charts.lists import genres, overlaps
from dashboard.charts.multiples import members
from dashboard.charts.prompt import prompt_graph
from dashboard.charts.run import conflict, losses
from dashboard.charts.supernodes import supernodes
from dashboard.charts.tradeoff import tradeoff, tradeoff_frame

__all__ = [
    "Chart",
    "bounds",
    "conflict",
    "differences",
    "distance",
    "faithfulness",
    "genres",
    "intervals",
    "losses",
    "members",
    "memory",
    "overlaps",
    "pareto",
    "places",
    "prompt_graph",
    "reads",
    "sequential",
    "slopes",
    "supernodes",
    "tradeoff",
    "tradeoff_frame",
]

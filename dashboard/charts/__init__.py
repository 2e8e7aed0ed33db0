"""Results as altair charts. Pure; colours for both themes, every mark with a tooltip, meaning never by colour alone."""

from dashboard.charts.benchmark import differences, in_a_row, pareto
from dashboard.charts.circuit import faithfulness, memory, places, reads
from dashboard.charts.comparison import distance, intervals, slopes
from dashboard.charts.encodings import Chart
from dashboard.charts.lists import genres, overlaps
from dashboard.charts.run import conflict, losses

__all__ = [
    "Chart",
    "conflict",
    "differences",
    "distance",
    "faithfulness",
    "genres",
    "in_a_row",
    "intervals",
    "losses",
    "memory",
    "overlaps",
    "pareto",
    "places",
    "reads",
    "slopes",
]

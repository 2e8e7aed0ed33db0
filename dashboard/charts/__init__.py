"""Results as altair charts. Pure; colours for both themes, every mark with a tooltip, meaning never by colour alone."""

from dashboard.charts.circuit import faithfulness, places, reads
from dashboard.charts.comparison import distance, intervals, slopes
from dashboard.charts.encodings import Chart
from dashboard.charts.lists import genres, overlaps
from dashboard.charts.run import losses

__all__ = [
    "Chart",
    "distance",
    "faithfulness",
    "genres",
    "intervals",
    "losses",
    "overlaps",
    "places",
    "reads",
    "slopes",
]

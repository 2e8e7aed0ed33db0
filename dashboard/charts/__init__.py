"""Results as altair charts. Pure; colours for both themes, every mark with a tooltip, meaning never by colour alone."""

from dashboard.charts.circuit import contributions, faithfulness, places
from dashboard.charts.comparison import distance, intervals, slopes
from dashboard.charts.run import losses

__all__ = ["contributions", "distance", "faithfulness", "intervals", "losses", "places", "slopes"]

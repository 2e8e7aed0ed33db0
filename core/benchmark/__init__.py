"""Unlearning benchmark: every method on the same forget sets, references and questions.

- `scenarios`: for each seed an adapter, a request and its references.
- `entrants`: methods and controls that take part.
- `tuning`: the same number of trials for every method, judged on validation and held-out users only.
- `trials`: one entrant in one scenario, measured at several points; `sequential`: several requests after each other.
- `meter`: seconds and memory of the work alone.
- `gradient_groups`, `sharded_baselines`: one control and three exact baselines.
- `sweep`: all scenarios, seeds and entrants; an interrupted sweep continues where it stopped.
- `results`: measured numbers in Parquet files.
- `statistics`: best points, paired differences and intervals from results.
- `headline`, `report_tables`, `report`: results as a Markdown report.
"""

"""Before and after: one person's recommendations, and all measures, beside a model that never saw the data."""

import streamlit as st

from dashboard import charts, engine, state, tables
from dashboard.components.exports import export, table
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, lead
from dashboard.words import lists_sentence, utility

CHARTED = ("forget_auc", "test_auc", "membership_auc")
COLUMNS = {
    "Rank": st.column_config.NumberColumn("#", width=36),
    "Title": st.column_config.TextColumn(width="medium"),
    "Change": st.column_config.TextColumn(width=86),
}

run = shown_run()
if run is None:
    st.stop()
evaluation, summary = engine.evaluation(run), engine.summary(run)
if evaluation is None or summary is None:
    lead("This run has nothing to compare yet.", about(run))
    empty("The comparison is made in the run's last stages.", "run", "Watch the run")
    st.stop()

lead(summary.headline, about(run))
st.markdown(utility(evaluation))
st.subheader(
    "How far it came",
    anchor=False,
    help="Residual: the distance to models that never saw the data, as a share of the distance before. 1: nothing done, 0: no difference left.",
)
st.altair_chart(
    charts.distance(evaluation.closeness, evaluation.floor),
    alt="Distance of the unlearned model to the references, from 1, nothing done, to 0, no difference",
)
floor = [one.jsd for one in evaluation.floor]
st.caption(
    f"Jensen-Shannon divergence on the forgotten data: {evaluation.closeness_original.jsd:.4f} bits before, {evaluation.closeness.jsd:.4f} after"
    + (f"; the references differ from one another by {min(floor):.4f} to {max(floor):.4f}." if floor else ".")
)

lists = {one.user: one for one in evaluation.lists}
if lists:
    st.subheader("One person's recommendations", anchor=False)
    kinds = {name: "asked to be erased" if one.forgotten else "stays" for name, one in lists.items()}
    user = state.pick(
        "Person", "person", list(lists), next(iter(lists)), shown=lambda name: f"{name} ({kinds.get(name, '')})"
    )
    shown = lists[user or next(iter(lists))]
    st.markdown(
        lists_sentence(shown.original, shown.unlearned)
        + " That a title left the list is a trace of the change, not a proof that it is forgotten."
    )
    before, after, never = st.columns(3, gap="medium")
    for place, title, frame in (
        (before, "Before", tables.top_list(shown.original, shown.unlearned, first=True)),
        (after, "After", tables.top_list(shown.unlearned, shown.original)),
        (never, "A model that never saw it", tables.top_list(shown.reference, shown.original)),
    ):
        with place:
            st.markdown(f"**{title}**")
            st.dataframe(
                frame,
                hide_index=True,
                column_config=COLUMNS,
                height="content",
                alt=f"{title}: rank, title and change against the list before",
            )
            export(frame, f"{run.id}-{title.split()[0].lower()}")
    st.altair_chart(
        charts.slopes(shown.original, shown.unlearned),
        alt="Ranks before and after, one line a title; the lists above hold the same",
    )

st.subheader("All measures", anchor=False)
for column, name in zip(st.columns(len(CHARTED), gap="medium"), CHARTED, strict=True):
    with column:
        st.markdown(f"**{tables.MEASURES[name][0]}**")
        st.altair_chart(
            charts.intervals(tables.intervals(evaluation, [name])),
            alt=f"{tables.MEASURES[name][0]} of the models with 95 % intervals",
        )
table(
    tables.metrics(evaluation),
    f"{run.id}-measures",
    "All measures before, after and of the references, with 95 % intervals",
)

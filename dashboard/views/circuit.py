"""Circuit: which parts of the model carry the data, how they connect, and how sure that is."""

import streamlit as st

from core.types import Group
from dashboard import charts, engine, tables
from dashboard.components.exports import table
from dashboard.components.frames import sandboxed
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, group_legend, lead
from dashboard.words import circuit_sentence, group_counts, overlap_sentence, people

SETS = ("the forgotten data", "everyone else")
STRONGEST = 12
PERCENT = st.column_config.NumberColumn(format="percent")
TWO = st.column_config.NumberColumn(format="%.2f")

run = shown_run()
if run is None:
    st.stop()
circuits, groups = engine.circuits(run), engine.groups(run)
if not circuits or not groups:
    if not engine.grouped(run):
        lead("This run changed every part of the model alike.", about(run))
        st.markdown("Its method looks for no circuit. Choose a run of CURE to see which parts carry the data.")
        st.stop()
    lead("The circuit of this run is not there yet.", about(run))
    empty("The run finds it in its first stages.", "run", "Watch the run")
    st.stop()

lead(circuit_sentence(groups, people(engine.workspace().request(run.spec.request))), about(run))
counts = group_counts(groups)
st.markdown(
    f"Of the others, {counts[Group.RETAIN]} work mainly for everyone else, {counts[Group.SHARED]} for both, {counts[Group.OUTSIDE]} for neither. "
    "Only parts inside the circuit are changed; those outside stay bit for bit as they were."
)

left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader(
        "How the parts connect",
        anchor=False,
        help="Bottom to top: the history is read, the layers work on it, the answer comes out. Size shows how much a part matters.",
    )
    which = st.segmented_control("Circuit for", SETS, default=SETS[0], required=True, key="circuit_set")
    circuit = circuits[SETS.index(which)]
    total = len({(edge.source, edge.target) for edge in circuit.edges})
    edges = (
        st.slider("Connections shown, strongest first", 0, total, min(60, total), key="circuit_edges") if total else 0
    )
    html = engine.picture(run, SETS.index(which), edges, st.context.theme.type == "dark")
    alt = f"Graph of {len(groups)} parts in layers, coloured and shaped by group, with the {edges} strongest connections; the table below holds the same numbers"
    sandboxed(html, 540, alt, scripts=True)
    group_legend()
    st.caption("The paler the fill, the less sure the group: other prompts might have put the part in another one.")
    st.download_button(
        "Save the drawing as a page",
        html,
        f"{run.id}-circuit.html",
        "text/html",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
with right:
    st.subheader(
        "Whom the parts serve",
        anchor=False,
        help="Each mark is a part. Up: it works more for the forgotten data. Right: it works more for everyone else. Both axes are square-root scaled.",
    )
    st.altair_chart(
        charts.contributions(groups),
        alt="Each part's share of the work for the forgotten data against its share for everyone else, with the regions of the groups",
    )
    st.caption(
        "Lines show the noise. A part counts as shared where its noise reaches equal shares and, if it is in both circuits, "
        "where it lies in the middle region. The paler a mark, the less sure its group."
    )
    st.subheader(
        "Is this circuit enough?",
        anchor=False,
        help="Faithfulness: the share of the model's behaviour that remains when all other parts are fed with unrelated history.",
    )
    st.altair_chart(
        charts.faithfulness(circuit),
        alt="Behaviour that remains against the number of parts kept, strongest first, and for random parts",
    )
    st.caption(
        f"With only the strongest {len(circuit.members)} of {len(circuit.modules)} parts, {circuit.faithfulness:.0%} of the behaviour remains, measured on {circuit.prompts} prompts. {overlap_sentence(circuit)}"
    )

if circuit.reads:
    st.subheader(
        "What the parts read",
        anchor=False,
        help="Which places of the prompt each part takes its effect on the answer from; titles are counted back from the one asked for.",
    )
    st.altair_chart(
        charts.places(circuit, STRONGEST),
        alt=f"Effect on the answer by place in the prompt, for the {STRONGEST} strongest parts of the circuit",
    )
    st.caption(
        "The strongest parts of the circuit, strongest first; the stronger the colour, the more. A part supports the answer "
        "where the answer would grow weaker if it read another history there. Means over all prompts."
    )

st.subheader("All parts", anchor=False)
shares = ("Sure", "Forget share", "Retain share", "Sure of forget circuit", "Sure of retain circuit")
columns = dict.fromkeys(shares, PERCENT) | dict.fromkeys(("Ratio", "Noise", "Conflict"), TWO)
table(
    tables.modules(groups, circuits),
    f"{run.id}-parts",
    "All parts of the model with their group and the numbers behind it",
    columns,
    height=360,
)
with st.expander("How these numbers are made"):
    st.markdown(
        "Each part is fed once with the true history and once with a history that misses the evidence; the change of the answer is its score. "
        "**Share** is a part's score as a share of all. **Ratio** is forget share / (forget share + retain share); 0.5 serves both alike. "
        "**Noise** is the half-width of its 95 % interval, from resampling the prompts. "
        "**Sure** is how often the part comes out in the same group when the prompts are drawn again. "
        "**Conflict** compares the directions that forgetting and keeping would move the part in: below zero they pull apart."
    )

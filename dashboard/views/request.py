"""Request: find a person, read what the model learned from them, open the request to erase it."""

import streamlit as st

from dashboard import engine, state, tables
from dashboard.components.exports import table
from dashboard.components.rows import request_row
from dashboard.components.text import guarded, lead
from dashboard.words import code, count

SCOPES = {"all": "Everything of this person", "chosen": "Chosen interactions only"}

place = engine.workspace()
members = place.roles.members
lead(
    "Who asks to be taken out, and which of their data?",
    f"The recommender learned from {count(len(members), 'person', 'people')}. Only their data can be taken out: nobody else's is in it.",
)
if opened := state.asked("request"):
    with guarded():
        request_row(place.request(opened), engine.runs())

user = state.pick(
    "Person",
    "user",
    members,
    placeholder="Type an id to search",
    help="People whose interactions trained the recommender. Strangers who are kept apart for checking are not listed.",
)
if user is None:
    st.info("Choose a person to read what the model learned from them.", icon=":material/person_search:")
    st.stop()

events = engine.history(user)
titles = {
    event.item: place.items[event.item].title if event.item in place.items else event.item for event in reversed(events)
}
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("What the model learned from them", anchor=False)
    st.caption(
        f"{count(len(events), 'interaction')}, {sum(event.liked for event in events)} of them liked, newest first."
    )
    table(
        tables.history(events, place.items),
        "history",
        f"Interactions of one person: title, liked or not, rating, date; {len(events)} rows",
    )
with right, st.container(border=True):
    st.subheader("The request", anchor=False)
    scope = st.radio("What to erase", list(SCOPES), format_func=SCOPES.__getitem__, key="request_scope")
    chosen = (
        st.multiselect(
            "Which interactions",
            list(titles),
            format_func=titles.__getitem__,
            key="request_items",
            placeholder="Search their titles",
        )
        if scope == "chosen"
        else []
    )
    reason = st.text_area(
        "Reason, for the record",
        key="request_reason",
        max_chars=500,
        placeholder="For example: account closed, Article 17 GDPR",
    )
    if st.button("Open the request", type="primary", icon=":material/check:"):
        with guarded():
            users = (user,) if scope == "all" else ()
            request = engine.open_request(users, tuple((user, item) for item in chosen), reason.strip())
            state.say(f"Request {code(request.id)} is open. Next: launch a run for it.")
            st.switch_page("views/request.py", query_params={"request": request.id})
    st.caption(
        "Opening a request changes nothing in the model. Backups and earlier checkpoints still hold the data: erase them too."
    )

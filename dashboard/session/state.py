"""What a browser session remembers: ids and selections, never results. The only file with session state and query parameters.

A selection lives in the address (?run=ID), so that every view has a link; the session keeps the last one,
because changing the page clears the address.
"""

from collections.abc import Callable, Sequence

import streamlit as st

WRITTEN = ("module", "show", "off", "out", "low", "high")  # what components write into the address themselves


def asked(key: str) -> str | None:
    """The value of a query parameter, if there is one."""
    return st.query_params.get(key)


def drop(key: str) -> None:
    """Take a query parameter out of the address."""
    st.query_params.pop(key, None)


def hide(key: str) -> None:
    """Remember in this session that something was waved away."""
    st.session_state[f"hidden_{key}"] = True


def hidden(key: str) -> bool:
    """Whether it was waved away in this session."""
    return f"hidden_{key}" in st.session_state


def pick(
    label: str,
    key: str,
    options: Sequence[str],
    default: str | None = None,
    shown: Callable[[str], str] = str,
    placeholder: str | None = None,
    help: str | None = None,
) -> str | None:
    """A select box whose value is ?key=; what the address or the session asks for wins over `default`."""
    box = f"pick_{key}"
    st.session_state[box] = current(key, options, default)
    return st.selectbox(
        label,
        options,
        index=None if placeholder else 0,
        key=box,
        format_func=shown,
        placeholder=placeholder,
        help=help,
        on_change=_picked,
        args=(key,),
    )


def current(key: str, options: Sequence[str], default: str | None = None) -> str | None:
    """What `pick` shows: the address's value, else the session's, else `default`."""
    if st.query_params.get(key) in options:
        st.session_state[f"kept_{key}"] = st.query_params[key]
    wanted = st.session_state.get(f"kept_{key}")
    return wanted if wanted in options else default


def _picked(key: str) -> None:
    value = st.session_state[f"pick_{key}"]
    if value is None:
        st.query_params.pop(key, None)
        st.session_state.pop(f"kept_{key}", None)
    else:
        st.query_params[key] = value


def enter(page: str) -> None:
    """Begin a visit when another page is opened, or this one by another address than it wrote: components start anew."""
    own = {key: st.query_params[key] for key in WRITTEN if key in st.query_params}
    if page != st.session_state.get("page") or own != st.session_state.get("written"):
        st.session_state.update(page=page, written=own, visit=visit() + 1)


def visit() -> int:
    """The number of this visit; part of the keys of components, which keep their state through a visit."""
    return st.session_state.get("visit", 0)


def once(key: str, value):
    """What `value` was when this visit first asked for `key`: a component's start must not change under it."""
    return st.session_state.setdefault(f"once_{visit()}_{key}", value)


def address(**values: str) -> None:
    """Put what components hold into the address; an empty value is taken out."""
    for key, value in values.items():
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)
    st.session_state["written"] = {key: st.query_params[key] for key in WRITTEN if key in st.query_params}


def keep(key: str, value) -> None:
    """Remember a person's own choices for this session."""
    st.session_state[f"kept_{key}"] = value


def kept(key: str, default):
    """What `keep` was given."""
    return st.session_state.get(f"kept_{key}", default)


def say(message: str) -> None:
    """Keep one sentence for the next time the page is drawn."""
    st.session_state["said"] = message


def said() -> str | None:
    """The kept sentence, once."""
    return st.session_state.pop("said", None)

"""Session state and query parameters of one browser session: ids and selections, never results.

No other file touches st.session_state or st.query_params. A selection lives in the address (?run=ID), so that every
view has a link; the session keeps the last one, because a change of page clears the address.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import streamlit as st

WRITTEN = ("module", "show", "off", "out", "low", "high")  # query parameters that components write
Value = TypeVar("Value")


def query_value(key: str) -> str | None:
    """Return the value of a query parameter, or None."""
    return st.query_params.get(key)


def hide(key: str) -> None:
    """Remember in this session that something was dismissed."""
    st.session_state[f"hidden_{key}"] = True


def hidden(key: str) -> bool:
    """Return whether something was dismissed in this session."""
    return f"hidden_{key}" in st.session_state


def pick(
    label: str,
    key: str,
    options: Sequence[str],
    default: str | None = None,
    shown: Callable[[str], str] = str,
    placeholder: str | None = None,
    help: str | None = None,
    box: str | None = None,
) -> str | None:
    """Draw a select box whose value is the query parameter `key`.

    Args:
        label: Label of the box.
        key: Query parameter and session key.
        options: Values to choose from.
        default: Value if neither the address nor the session holds one.
        shown: Display name of an option.
        placeholder: Text of the empty box; with it, the box may stay empty.
        help: Text of the tooltip.
        box: Name of the box where another box on the page has the same query parameter.

    Returns:
        The chosen value, or None if the box is empty.
    """
    box = f"pick_{box or key}"
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
        args=(key, box),
    )


def current(key: str, options: Sequence[str], default: str | None = None) -> str | None:
    """Return the value that `pick` shows: from the address, else from the session, else `default`."""
    if st.query_params.get(key) in options:
        st.session_state[f"kept_{key}"] = st.query_params[key]
    stored = cast(str | None, st.session_state.get(f"kept_{key}"))
    return stored if stored in options else default


def pick_many(
    label: str, key: str, options: Sequence[str], most: int, shown: Callable[[str], str], placeholder: str, help: str
) -> list[str]:
    """Draw a box of several values, which the query parameter `key` holds with commas between them.

    Args:
        label: Label of the box.
        key: Query parameter and session key.
        options: Values to choose from.
        most: Largest number of values.
        shown: Display name of an option.
        placeholder: Text of the empty box.
        help: Text of the tooltip.

    Returns:
        The chosen values.
    """
    chosen = [name for name in listed(key) if name in options]
    return choose_many(
        label, key, chosen, options, most, shown, placeholder, help, lambda names: carry(key, ",".join(names))
    )


def choose_many(
    label: str,
    name: str,
    chosen: Sequence[str],
    options: Sequence[str],
    most: int,
    shown: Callable[[str], str],
    placeholder: str,
    help: str,
    changed: Callable[[list[str]], None],
) -> list[str]:
    """Draw a box of several values that are kept elsewhere, such as in the address.

    Args:
        label: Label of the box.
        name: Name of the box, unique on the page.
        chosen: The chosen values.
        options: Values to choose from.
        most: Largest number of values.
        shown: Display name of an option.
        placeholder: Text of the empty box.
        help: Text of the tooltip.
        changed: Called with the new values, to keep them.

    Returns:
        The chosen values.
    """
    box = f"pick_{name}"
    st.session_state[box] = list(chosen)[:most]
    return st.multiselect(
        label, options, key=box, format_func=shown, max_selections=most, placeholder=placeholder, help=help,
        on_change=lambda: changed(st.session_state[box]),
    )  # fmt: skip


def slide(
    label: str, name: str, value: float, low: float, high: float, step: float, changed: Callable[[float], None]
) -> None:
    """Draw a slider of a number that is kept elsewhere, such as in the address.

    Args:
        label: Label of the slider.
        name: Name of the slider, unique on the page.
        value: The number.
        low: Smallest number.
        high: Largest number.
        step: Distance of two numbers.
        changed: Called with the new number, to keep it.
    """
    box = f"slide_{name}"
    st.session_state[box] = value
    st.slider(label, low, high, step=step, format="%.1f", key=box, on_change=lambda: changed(st.session_state[box]))


def listed(key: str) -> list[str]:
    """Return the values that a query parameter lists, each once; without it, those of this session's last address."""
    return list(dict.fromkeys(name for name in carried(key).split(",") if name))


def carried(key: str) -> str:
    """Return a query parameter; without it, the one of this session's last address, which is written again."""
    if key in st.query_params:
        st.session_state[f"kept_{key}"] = st.query_params[key]
    elif kept_values := st.session_state.get(f"kept_{key}"):
        st.query_params[key] = kept_values
    return st.query_params.get(key, "")


def carry(key: str, value: str) -> None:
    """Write a query parameter, for this session too; an empty value removes it."""
    st.session_state.pop(f"kept_{key}", None)
    address(**{key: value})


def _picked(key: str, box: str) -> None:
    value = st.session_state[box]
    if value is None:
        st.query_params.pop(key, None)
        st.session_state.pop(f"kept_{key}", None)
    else:
        st.query_params[key] = value


def enter(page: str) -> None:
    """Begin a new visit, which resets all components, if the page or the address changed from outside.

    Args:
        page: Name of the page that is drawn.
    """
    own = {key: st.query_params[key] for key in WRITTEN if key in st.query_params}
    if page != st.session_state.get("page") or own != st.session_state.get("written"):
        st.session_state.update(page=page, written=own, visit=visit() + 1)


def page() -> str:
    """Return the name of the page that is drawn; "" before the first one."""
    return cast(str, st.session_state.get("page", ""))


def visit() -> int:
    """Return the number of this visit; components have it in their keys, so they keep their state during a visit."""
    return cast(int, st.session_state.get("visit", 0))


def once(key: str, value: Value) -> Value:
    """Return the first value of this visit: the initial data of a component must not change later."""
    return cast(Value, st.session_state.setdefault(f"once_{visit()}_{key}", value))


def address(**values: str) -> None:
    """Write the values of components into the address; an empty value removes its parameter."""
    for key, value in values.items():
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)
    st.session_state["written"] = {key: st.query_params[key] for key in WRITTEN if key in st.query_params}


def keep(key: str, value: object) -> None:
    """Store a value for this session."""
    st.session_state[f"kept_{key}"] = value


def kept(key: str, default: Value) -> Value:
    """Return the value stored by `keep`."""
    return cast(Value, st.session_state.get(f"kept_{key}", default))


def put_notice(message: str) -> None:
    """Store one sentence for the next time that a page is drawn."""
    st.session_state["notice"] = message


def take_notice() -> str | None:
    """Return the stored sentence and remove it."""
    return cast(str | None, st.session_state.pop("notice", None))

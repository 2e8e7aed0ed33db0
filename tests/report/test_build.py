"""The HTML report: numbers, sentences, plots, and escaping of hostile text."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from core.report import build
from core.report.build import make_report
from core.report.bundle import CSP_SCRIPTS, add_sections
from core.report.plots import PLOT, ranges, rank_changes, scatter
from core.report.summary import summarise
from core.types import (
    Advantage,
    Attack,
    Check,
    Circuit,
    Closeness,
    CurvePoint,
    Edge,
    Evaluation,
    Group,
    Interval,
    Item,
    Metrics,
    ModuleGroup,
    Part,
    Recommendation,
    Request,
    RunSpec,
    TopLists,
    Verdict,
    Verification,
)
from core.types.results import MEASURES, METRIC_NAMES
from core.workspace import WorkspaceSettings
from dashboard.presenters import tables

NAN = math.nan
TITLES = (
    "The Last Bridge in Harrow", "Midnight at Saltmere Station", "The Cartographer's Brother", "Somebody Else's Mirror", "Our Second-Hand Moon",
    "The Clock That Would Not Answer", "Farewell, Marrowgate Carnival", "One Winter for the Schoolmaster", "The Quiet Widow", "Beyond the Perfectly Good Bridge",
    "The Night Nurse of Pinehallow Carnival", "The Emerald Garden", "Return to the Sunken Bridge",
)  # fmt: skip
TITLE = "CURE, in weight space"
ITEMS = {f"f{n:03d}": Item(f"f{n:03d}", title) for n, title in enumerate(TITLES)}


def interval(value: float, spread: float = 0.02) -> Interval:
    return Interval(value, value - spread, value + spread, 180)


def metrics(test: float, forget: float, member: float) -> Metrics:
    return Metrics(
        interval(test),
        interval(0.612, 0.03),
        interval(0.317, 0.09),
        interval(0.171, 0.06),
        interval(forget, 0.05),
        interval(0.684),
        interval(member, 0.06),
    )


def top(*order: int) -> tuple[Recommendation, ...]:
    return tuple(Recommendation(f"f{n:03d}", TITLES[n], 1.0 - position / 10) for position, n in enumerate(order))


REFERENCES = (metrics(0.713, 0.684, 0.507), metrics(0.709, 0.697, 0.499), metrics(0.716, 0.675, 0.512))
FLOOR = (Closeness(0.31, 0.004, 0.006), Closeness(0.28, 0.0035, 0.0051), Closeness(0.35, 0.0043, 0.0066))
EVALUATION = Evaluation(
    original=metrics(0.7213, 0.8312, 0.6789),
    unlearned=metrics(0.7194, 0.7015, 0.5178),
    references=REFERENCES,
    closeness=Closeness(0.4321, 0.0052, 0.0071),
    closeness_original=Closeness(1.0, 0.0211, 0.0304),
    floor=FLOOR,
    item_mean_auc=interval(0.6251),
    lists=(
        TopLists(
            "u323",
            True,
            top(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
            top(1, 4, 2, 10, 3, 11, 5, 12, 7, 8),
            top(1, 4, 2, 10, 11, 12, 7, 8, 9, 5),
        ),
        TopLists("u088", False, top(0, 1), top(1, 0), top(0, 1)),
    ),
    advantages=tuple(
        Advantage(
            measure,
            Interval(0.18, 0.15, 0.21, 180),
            Interval(0.032, -0.008, 0.072, 180),
            (0.015, -0.012, 0.002),
            Interval(0.82, 0.61, 1.04, 180),
        )
        for measure in MEASURES
    ),
)
ALONE = replace(
    EVALUATION,
    references=(),
    closeness=Closeness(NAN, NAN, NAN),
    closeness_original=Closeness(NAN, NAN, NAN),
    floor=(),
    advantages=(),
)


def groups() -> tuple[ModuleGroup, ...]:
    found = []
    for layer in range(3):
        for n, name in enumerate([f"a{layer}.h{h}" for h in range(4)] + [f"m{layer}"]):
            forget, retain = (1 + (7 * layer + 3 * n) % 11) / 90, (1 + (5 * layer + 4 * n) % 13) / 100
            ratio = forget / (forget + retain)
            kind = (
                Group.OUTSIDE
                if max(forget, retain) < 0.04
                else Group.FORGET
                if ratio > 0.65
                else Group.RETAIN
                if ratio < 0.35
                else Group.SHARED
            )
            found.append(ModuleGroup(name, kind, forget, retain, ratio, 0.041, 0.2 - ratio))
    return tuple(found)


def circuit(modules: tuple[str, ...]) -> Circuit:
    edges = (Edge("input", "m0", "", 0.4), Edge("m0", "a1.h0", "q", 0.2))
    curve = (CurvePoint(0, 0.0, 0.0), CurvePoint(9, 0.87, 0.4))
    return Circuit(
        modules,
        tuple(0.1 for _ in modules),
        modules[:9],
        edges,
        curve,
        0.8712,
        0.85,
        1.42,
        -0.2,
        30,
        2,
        {"pagerank": 28, "other_user": 4},
    )


SPEC = RunSpec("run-20260312-a1", "req-ab12cd", created="2026-03-12T09:30:00+00:00", seed=3)
REQUEST = Request(
    "req-ab12cd", ("u323",), (("u088", "f002"),), "Art. 17 request by e-mail", "2026-03-11T16:02:00+00:00"
)
SETTINGS = WorkspaceSettings(
    "demo", "world:7", base_note="a small Llama trained here on the crowd; no general-purpose language model"
)
TIMINGS = {"loading": 1.2, "contrast prompts": 3.4, "circuit": 20.5, "unlearning": 31.0, "evaluation": 22.2}


def report(
    evaluation=EVALUATION, request=REQUEST, items=ITEMS, spec=SPEC, parts=None, settings=SETTINGS, memory_contrast=False
):
    parts = groups() if parts is None else parts
    names = tuple(part.module for part in parts)
    circuits = (circuit(names), circuit(names)) if parts else None
    summary = summarise(spec, request, items, parts, evaluation, method_title=TITLE, memory_contrast=memory_contrast)
    _, html, numbers = make_report(
        spec, request, settings, summary, circuits, parts, evaluation, TIMINGS, "cpu", "float32"
    )
    return html, numbers


def anonymous_report(**options):
    """Return the report's copy without user ids and titles."""
    parts = groups()
    names = tuple(part.module for part in parts)
    values = {"spec": SPEC, "request": REQUEST, "settings": SETTINGS} | options
    summary = summarise(
        values["spec"], values["request"], ITEMS, parts, EVALUATION, method_title=TITLE, memory_contrast=False
    )
    return make_report(
        values["spec"], values["request"], values["settings"], summary, (circuit(names),) * 2, parts, EVALUATION, TIMINGS,
        "cpu", "float32",
    )[0]  # fmt: skip


def test_anonymous_report_has_no_user_and_no_title():
    settings = replace(SETTINGS, people={"petra@firm.example": ("privacy_officer",)})
    html, whole = anonymous_report(settings=settings), report(settings=settings)[0]
    words = {"u323", "u088", "Art. 17 request by e-mail"} | {
        row.title for lists in EVALUATION.lists for row in (*lists.original, *lists.unlearned)
    }
    assert not [word for word in words if word in html] and "names nobody of the request" in html
    assert "u323" in whole and "treat it as personal data" in whole
    assert "petra" not in html + whole and "0.721" in html


class Page(HTMLParser):
    """Tags, attributes and visible text of an HTML page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.text += data


HOSTILE = '<script>alert(1)</script><img src=https://evil.example/x.png onerror="x">'


def test_page_shows_metrics_of_every_model():
    text = Page(report()[0]).text
    for number in ("0.721", "0.719", "0.831", "0.702", "0.432", "0.625", "0.679", "0.518", "0.612", "0.317", "0.171"):
        assert number in text, number
    for reference in REFERENCES:
        assert f"{reference.test_auc.value:.3f}" in text and f"{reference.forget_auc.value:.3f}" in text
    assert "0.699 to 0.739" in text  # the interval of the unlearned model's test AUC
    assert "0.710 to 0.716" not in text and "0.709 to 0.716" in text  # lowest and highest value of the references
    assert "0.713 0.709 to 0.716" in " ".join(text.split())  # mean of the references


def test_summary_counts_forget_modules_only_where_their_group_is_certain():
    found = [replace(one, group=Group.FORGET, membership_probability=0.95) for one in groups()[:3]]
    found[0] = replace(found[0], membership_probability=0.94)
    other = replace(found[0], group=Group.RETAIN, membership_probability=0.5)
    done = summarise(SPEC, REQUEST, ITEMS, (*found, other), EVALUATION, method_title=TITLE, memory_contrast=False).done
    assert (
        "the 4 modules of the model: 2 serve mainly the forgotten data (1 more may), 1 mainly the retained data" in done
    )
    assert "does not reach" not in done
    partial = (*found, replace(other, has_lora=False))
    done = summarise(SPEC, REQUEST, ITEMS, partial, EVALUATION, method_title=TITLE, memory_contrast=False).done
    assert "The adapter does not reach 1 of them." in done


def test_summary_states_request_method_result_and_utility():
    text = " ".join(Page(report()[0]).text.split())
    assert (
        "Not verified yet: 82% of what the model knew about the forgotten data is gone (90% interval 61% to 104%)."
        in text
    )
    assert (
        "data (log loss, nats): 0.180 (0.150 to 0.210) before, 0.032 (−0.008 to 0.072) after; the references have −0.012 to 0.015"
        in text
    )
    assert (
        "Request req-ab12cd on 11 March 2026 asks to erase all data of 1 user (u323) and 1 chosen interaction (“The Cartographer's Brother” of u088)"
        in text
    )
    assert "Art. 17 request by e-mail" in text
    counts = [
        sum(g.group is kind for g in groups()) for kind in (Group.FORGET, Group.RETAIN, Group.SHARED, Group.OUTSIDE)
    ]
    assert (
        "{} serve mainly the forgotten data, {} mainly the retained data, {} both, {} neither".format(*counts) in text
    )
    assert "(residual), is 0.432: 1 means that nothing changed, 0 means no difference" in text
    assert "0.280 to 0.350 (the floor)" in text and "above their range" in text
    assert (
        "was 0.721 (95% interval 0.701 to 0.741) and is 0.719 (95% interval 0.699 to 0.739), a change of −0.002" in text
    )
    assert "mean rating alone reaches 0.625: the unlearned model is above" in text
    for unknown in (
        "Not run: ",
        "backups",
        "older checkpoints",
        "verdicts come from its verification",
        "not a certificate",
        "References: 3; with fewer than 5",
    ):
        assert unknown in text


def test_headline_tells_no_share_that_is_too_uncertain():
    (first, *rest) = EVALUATION.advantages
    uncertain = replace(EVALUATION, advantages=(replace(first, forgotten=None), *rest))
    text = Page(report(uncertain)[0]).text
    assert "the share that it forgot cannot be told" in text and "is gone" not in text


@pytest.mark.parametrize(("value", "words"), [(0.60, "below their range"), (0.684, "within their range")])
def test_page_compares_forget_auc_with_reference_range(value, words):
    after = replace(EVALUATION.unlearned, forget_auc=interval(value))
    assert words in Page(report(replace(EVALUATION, unlearned=after))[0]).text


def test_page_says_that_model_is_not_above_item_mean():
    assert (
        "is not above this simple baseline" in Page(report(replace(EVALUATION, item_mean_auc=interval(0.73)))[0]).text
    )


def test_report_without_references_makes_no_claim():
    html, numbers = report(ALONE)
    text = Page(html).text
    assert "there is no retrained reference" in text and "it is not known how much was forgotten" in text
    assert "closeness cannot be measured" in text and "No retrained reference, so no range is drawn" in text
    for claim in (
        "of the way to models",
        "came no closer",
        "as close to models",
        "their range",
        "reference 1",
        "never saw the data",
        "nan",
    ):
        assert claim not in text, claim
    assert numbers["reference_count"] == 0 and numbers["references"] == [] and numbers["residual"] is None


def test_page_with_one_reference_says_that_there_is_no_floor():
    text = Page(report(replace(EVALUATION, references=REFERENCES[:1], floor=()))[0]).text
    assert "With a single reference, the difference of such models by chance is not known" in text
    assert "there is no floor" in text and "(the floor)" not in text


def test_page_of_method_without_circuit_shows_no_circuit():
    for method, words in (
        ("npo", "all modules of the recommender's adapter alike"),
        ("retrain", "retrained from the base model"),
    ):
        html, numbers = report(spec=replace(SPEC, method=method), parts=())
        assert words in Page(html).text and "The circuits" not in html and "Modules by contribution" not in html
        assert numbers["modules"] == [] and numbers["faithfulness"] == {}


def test_summary_of_method_by_memory_contrast_names_its_groups():
    html, _ = report(spec=replace(SPEC, method="cure_merge"), parts=(), memory_contrast=True)
    text = " ".join(Page(html).text.split())
    assert (
        "Method “CURE, in weight space” grouped the modules by memory contrast and changed each group by its own rule"
        in text
    )
    assert "the page Circuit shows the groups" in text and "adapter alike" not in text


def test_hostile_text_is_escaped_everywhere():
    lists = tuple(
        replace(
            one,
            user=HOSTILE,
            **{k: (Recommendation("f000", HOSTILE, 1.0),) for k in ("original", "unlearned", "reference")},
        )
        for one in EVALUATION.lists
    )
    html, _ = report(
        replace(EVALUATION, lists=lists),
        replace(REQUEST, users=(HOSTILE,), interactions=((HOSTILE, "f000"),), reason=HOSTILE, created=HOSTILE),
        {"f000": Item("f000", HOSTILE)},
        replace(SPEC, created=HOSTILE, method=HOSTILE),
        (replace(groups()[0], module=HOSTILE),),
        replace(SETTINGS, data=HOSTILE, base_note=HOSTILE),
    )
    page = Page(html)
    assert "script" not in page.tags and "img" not in page.tags
    assert HOSTILE in page.text and page.text.count("<script>alert(1)</script>") >= 10
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_invisible_and_bidi_characters_are_removed():
    html, _ = report(request=replace(REQUEST, reason="\u202eevil\u200b\x00 bad\u2066"))
    assert not re.search("[\u202e\u200b\x00\u2066]", html) and "evil" in html


def test_page_has_no_scripts_and_no_external_resources():
    html, _ = report()
    page = Page(html)
    assert not {"script", "link", "iframe", "img", "form", "a", "base", "object"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in ("src", "href", "srcset", "action", "xlink:href")]
    assert "url(" not in html and "@import" not in html and "//" not in html
    policy = next(v for n, v in page.attributes if n == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none';") and "script-src" not in policy
    assert "prefers-color-scheme: dark" in html and "@media print" in html


@pytest.mark.parametrize("evaluation", [EVALUATION, ALONE])
def test_page_never_claims_legal_compliance(evaluation):
    html, numbers = report(evaluation)
    assert "complian" not in (html + json.dumps(numbers)).lower()


def test_json_report_is_complete_and_has_no_user_or_title():
    _, numbers = report()
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    assert numbers["test_auc"] == 0.7194 and numbers["item_mean_auc"] == 0.6251 and numbers["residual"] == 0.4321
    assert numbers["original"]["test_auc"] == {"value": 0.7213, "low": 0.7013, "high": pytest.approx(0.7413), "n": 180}
    assert [one["forget_auc"]["value"] for one in numbers["references"]] == [0.684, 0.697, 0.675]
    assert numbers["unlearned"]["membership_auc"]["value"] == 0.5178 and numbers["residual_floor"] == [0.31, 0.28, 0.35]
    assert (
        numbers["seed"] == 3
        and numbers["device"] == "cpu"
        and numbers["seconds"] == TIMINGS
        and len(numbers["modules"]) == 15
    )
    assert sum(numbers["group_counts"].values()) == 15 and numbers["faithfulness"]["forget"]["modules"] == 9
    text = json.dumps(numbers)
    assert not [name for name in ("u323", "u088", *TITLES) if name in text]


def test_page_shows_settings_seed_method_device_and_times():
    text = Page(report()[0]).text
    for word in (
        "run-20260312-a1",
        "seed 3",
        "cure",
        "cpu, float32",
        "world:7",
        "a small Llama trained here",
        "circuit 20.5 s",
        "together 78.3 s",
        "0.871",
        "forget: 28 by pagerank, 4 by other user",
    ):
        assert word in text, word


def test_missing_metric_is_shown_without_nan():
    gap = Interval(NAN, NAN, NAN, 0)
    broken = replace(
        EVALUATION.unlearned,
        hit_rate=gap,
        ndcg=gap,
        forget_auc=replace(gap, value=0.7),
        test_auc=Interval(0.7, NAN, NAN, 3),
    )
    html, numbers = report(replace(EVALUATION, unlearned=broken))
    assert "too few users for an interval" in html and not re.search(r"\bnan\b", html.lower())
    assert numbers["hit_rate"] is None


def test_missing_metric_is_not_compared():
    lost = Interval(NAN, NAN, NAN, 0)
    after = replace(EVALUATION.unlearned, forget_auc=lost, test_auc=lost)
    unknown = tuple(replace(one, unlearned=lost, forgotten=None) for one in EVALUATION.advantages)
    evaluation = replace(EVALUATION, unlearned=after, closeness=Closeness(NAN, NAN, NAN), advantages=unknown)
    text = Page(report(evaluation)[0]).text
    assert "could not be measured" in text and "no retrained reference" not in text
    assert "cannot be compared with them" in text and "cannot be compared with it" in text and "their range" not in text


def test_long_lists_are_cut_with_a_note():
    many = tuple(replace(groups()[0], module=f"a{n}.h0", forget=n / 5000, retain=0.0) for n in range(100))
    html, numbers = report(parts=many)
    assert (
        html.count(".h0</th>") == 40
        and "60 modules with smaller contributions" in html
        and len(numbers["modules"]) == 100
    )
    users = tuple(f"u{n}" for n in range(9))
    assert "u5 and 3 more" in Page(report(request=replace(REQUEST, users=users, interactions=()))[0]).text


def test_range_plot_places_marks_on_its_scale():
    plot = ranges(EVALUATION, {"forget_auc": "Forget", "hit_rate": "HR"})
    low, high = plot.ticks[0], plot.ticks[-1]
    assert low[1] == pytest.approx(0.2) and high[1] == pytest.approx(0.9)
    forget = plot.rows[0]
    position = {
        value: low[0] + (value - low[1]) / (high[1] - low[1]) * (high[0] - low[0])
        for value in (0.675, 0.697, 0.7015, 0.8312)
    }
    assert forget.references == pytest.approx((position[0.675], position[0.697]), abs=0.1)
    assert (forget.unlearned, forget.original) == pytest.approx((position[0.7015], position[0.8312]), abs=0.1)


def test_rank_plot_joins_kept_titles_and_marks_new_and_removed():
    plot = rank_changes(EVALUATION.lists[0])
    before, after = ({label.rank: label for label in labels} for labels in (plot.before, plot.after))
    assert [rank for rank in before if before[rank].kind == "gone"] == [1, 7, 10] and [
        rank for rank in after if after[rank].kind == "new"
    ] == [4, 6, 8]
    assert (
        (before[2].y, after[1].y, "up") in plot.lines
        and (before[4].y, after[5].y, "down") in plot.lines
        and len(plot.lines) == 7
    )
    assert not after[5].referenced and after[4].referenced


def test_scatter_plot_puts_equal_contributions_on_the_diagonal():
    parts = [replace(groups()[0], forget=share, retain=share) for share in (0.0, 0.02, 0.3)]
    plot = scatter(parts)
    assert all(point.x == pytest.approx(PLOT - point.y) for point in plot.points)
    assert (plot.points[0].x, plot.points[-1].x) == (0, PLOT)


def check(verdict, sentence="It <b>seems</b> so."):
    value = Interval(0.021, -0.004, 0.044, 2490)
    return Check("V2", verdict, value, -0.05, 0.05, None, name="membership", source="bounds", sentence=sentence)


def test_full_report_shows_the_verification():
    checks = (check(Verdict.PASS), check(Verdict.INCONCLUSIVE, "Nobody knows."))
    found = Verification(
        "run-1", "ab12", Verdict.INCONCLUSIVE, checks, {"V11": "several requests in a row"}, "few_references",
        {"references": 2}, EVALUATION.advantages, (Attack("rmia_auc", 0.7, 0.52, (0.49, 0.53)),), 2, ("more_references",),
    )  # fmt: skip
    html = add_sections(anonymous_report(), found)
    text = " ".join(Page(html).text.split())
    assert (
        "Verdict: inconclusive" in text and "RMIA, offline, AUC (arXiv 2312.03262)" in text and "0.490 to 0.530" in text
    )
    sentence = "Inconclusive: there are 2 retrained references, and a PASS needs five."
    assert text.count(sentence) == 2 and "Not verified yet" not in text  # as the headline, and in the section
    assert "This is attempt 2" in text and "Train more references, then verify again." in text
    assert "It <b>seems</b> so." in text and "to 0.044" in text
    assert "several requests in a row" in text and "b" not in Page(html).tags and "iframe" not in Page(html).tags
    assert add_sections(anonymous_report(), None).count("<h2>") == anonymous_report().count("<h2>")


def test_description_is_measured_and_not_judged():
    """A description decides nothing, so that the table shows no PASS or FAIL for it."""
    described = replace(check(Verdict.FAIL, "It differs."), part=Part.DESCRIPTION)
    judged = replace(check(Verdict.PASS), part=Part.ENDPOINT)
    found = Verification("run-1", "ab12", Verdict.PASS, (judged, described), {}, "", {"theta": 0.5})
    html = add_sections(anonymous_report(), found)
    assert html.count('<td class="word">pass</td>') == 1 and html.count("<td>measured</td>") == 1
    assert '<td class="word">fail</td>' not in html
    old = add_sections(anonymous_report(), replace(found, checks=(described,)))  # of version 0.1.0: every check decided
    assert '<td class="word">fail</td>' in old and "<td>measured</td>" not in old


def test_attempts_are_not_counted_for_an_exact_retraining():
    found = Verification("run-1", "ab12", Verdict.EXACT, (), {}, "", {"theta": 0.5}, attempt=2)
    assert "attempt" not in Page(add_sections(anonymous_report(), found)).text
    assert "This is attempt 2" in Page(add_sections(anonymous_report(), replace(found, verdict=Verdict.PASS))).text


def test_embedded_circuit_is_in_a_sandboxed_frame():
    page = Page(add_sections(anonymous_report(), None, '<script>parent.x = "1"</script><p title=\'"\'>'))
    frame = dict(page.attributes)
    assert frame["sandbox"] == "allow-scripts" and frame["srcdoc"].startswith("<script>")
    policy = next(value for name, value in page.attributes if name == "content")
    assert (
        policy == CSP_SCRIPTS and build.CSP_STATIC in anonymous_report() and build.SECTIONS_MARKER in anonymous_report()
    )
    assert "script" not in page.tags and policy.startswith("default-src 'none';") and "connect-src" not in policy


def test_every_metric_has_its_texts_in_one_order():
    assert tuple(build.METRIC_TEXTS) == tuple(tables.METRIC_TEXTS) == METRIC_NAMES

### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

lists-alt = { $list }: rank, title and what happened to it
everywhere-inside = Look inside
everywhere-unlearn = Unlearn
everywhere-decide = Decide

## Overview

## Request

## Circuit

circuit-explorer-find = Find a part
circuit-explorer-find-hint = Find a part, e.g. head 2 of layer 1
circuit-explorer-pin = Pin
circuit-explorer-unpin = Unpin
circuit-explorer-full = Full screen
circuit-explorer-leave-full = Leave full screen
circuit-explorer-reset = Reset
circuit-explorer-feeds = Connections that feed
circuit-explorer-q = queries
circuit-explorer-k = keys
circuit-explorer-v = values
circuit-explorer-other = MLPs and the answer
circuit-explorer-filters = Filters
circuit-explorer-edges = Connections, strongest first
circuit-explorer-shown = { $shown } of { $all }
circuit-explorer-only = Only the circuit
circuit-explorer-alt =
    Graph of the parts in layers, bottom to top, with the strongest connections. Arrow keys go from part to part, Enter
    pins, Escape lets go. The table of all parts holds the same numbers.
circuit-explorer-none = Press a part to see what it does.
circuit-explorer-tip =
    { $part }
    { $group }, sure { $sure }
    effect on the answer { $score }
    { $forget } of the work for the forgotten data
    { $retain } of the work for everyone else
circuit-explorer-tip-compare =
    { $part }
    { $side }
    { $group }
    effect on the answer { $score }
circuit-explorer-side-both = in both circuits
circuit-explorer-side-here = only in this run's circuit
circuit-explorer-side-there = only in the other run's circuit
circuit-explorer-side-out = in neither circuit
circuit-explorer-group = { $group }: serves { $serves }
circuit-layer = layer { $layer }
circuit-mlp = MLP
circuit-no-run = The circuit of this run is not there yet.
circuit-no-run-next = The run finds it in its first stages.
circuit-watch = Watch the run
circuit-uniform = This run changed every part of the model alike.
circuit-uniform-next = Its method looks for no circuit. Choose a run of CURE to see which parts carry the data.
circuit-others =
    Of the others, { $retain } work mainly for everyone else, { $shared } for both, { $outside } for neither. Only parts
    inside the circuit are changed; those outside stay bit for bit as they were.
circuit-graph-title = How the parts connect
circuit-graph-help =
    Bottom to top: the history is read, the layers work on it, the answer comes out. Size shows how much a part matters,
    its fill how sure its group is: the paler, the less.
circuit-graph-note = The paler the fill, the less sure its group: other prompts might have put the part in another one.
circuit-set = Circuit for
circuit-set-forget = the forgotten data
circuit-set-retain = everyone else
circuit-other = Compare with the circuit of
circuit-other-none = no other run
circuit-other-help =
    Filled: in both circuits. Half filled: only in this run's. Hollow and dashed: only in the other run's.
circuit-shared =
    { $both } parts are in both circuits, { $here } only in this run's, { $there } only in the other's.
circuit-save = Save the drawing as a page
circuit-panel-none = What does a part do?
circuit-panel-none-next = Press one in the drawing or find it by name. The most telling one:
circuit-panel-lead =
    It is in the group **{ $group }**: it serves { $serves }. It does { $forget } of all work for the forgotten data and { $retain } of all work
    for everyone else.
circuit-panel-sure =
    Drawn from other prompts, it would be in this group { $sure } of the time (ratio { $ratio } ± { $noise }; 0.5 serves both alike).
circuit-panel-apart = Forgetting and keeping pull it apart (cosine { $cosine }).
circuit-panel-together = Forgetting and keeping would move it the same way (cosine { $cosine }).
circuit-panel-across = Forgetting and keeping hardly touch one another here (cosine { $cosine }).
circuit-panel-moved = The run moved its weights by { $share }.
circuit-panel-unmoved = The run left it bit for bit as it was.
circuit-panel-moved-unknown = How far the run moved it is not known.
circuit-panel-reason = Put here by a person: { $reason }
circuit-panel-toward = **What it writes toward**
circuit-panel-toward-help =
    Direct effect on the answer for a title, in logits, from what the part reads in the histories of the request's people.
    Means over them.
circuit-panel-raises = Raises { $titles }.
circuit-panel-lowers = Lowers { $titles }.
circuit-panel-reads = **What it reads**, titles counted back from the one asked for
circuit-panel-reads-alt = Effect of this part on the answer by the place in the prompt that it reads
circuit-panel-reads-axis = support, logits
circuit-panel-edges = **Its strongest connections**
circuit-panel-edges-alt = Strongest connections into and out of this part with their scores in logits
circuit-panel-what-if = See the list without it
circuit-edge-in = from
circuit-edge-out = to
circuit-edge-way = Way
circuit-edge-part = Part
circuit-edge-input = Feeds
circuit-edge-score = Score
circuit-enough = Is this circuit enough?
circuit-enough-help =
    Faithfulness: the share of the model's behaviour that remains when all other parts are fed with unrelated history.
circuit-enough-alt = Behaviour that remains against the number of parts kept, strongest first, and for random parts
circuit-enough-note =
    With only the strongest { $kept } of { $all } parts, { $share } of the behaviour remains, measured on { $prompts ->
        [one] one prompt
       *[other] { $prompts } prompts
    }.
circuit-reads = What the parts read
circuit-reads-help =
    Which places of the prompt each part takes its effect on the answer from; titles are counted back from the one asked for.
circuit-reads-alt = Effect on the answer by place in the prompt, for the { $count } strongest parts of the circuit
circuit-reads-note =
    The strongest parts of the circuit, strongest first; the stronger the colour, the more. A part supports the answer where
    the answer would grow weaker if it read another history there. Means over all prompts.
circuit-all = All parts
circuit-all-alt = All parts of the model with their group and the numbers behind it
circuit-numbers = How these numbers are made
circuit-numbers-text =
    Each part is fed once with the true history and once with a history that misses the evidence; the change of the answer
    is its score. **Share** is a part's score as a share of all. **Ratio** is forget share / (forget share + retain share);
    0.5 serves both alike. **Noise** is the half-width of its 95 % interval, from resampling the prompts. **Sure** is how
    often the part comes out in the same group when the prompts are drawn again. **Conflict** compares the directions that
    forgetting and keeping would move the part in: below zero they pull apart.

## Groups

groups-none = The parts of this run are not sorted yet.
groups-none-next = A run sorts them in its first stages; methods without a circuit treat all alike.
groups-note =
    A rule sorted every part by how much of its work is for the forgotten data. You may draw the borders elsewhere, or move a
    part by hand with a reason that the record keeps, and start a new run with these groups.
groups-borders = Where the borders lie
groups-borders-help =
    Each mark is a part. Up: it works more for the forgotten data. Right: it works more for everyone else. Both axes are
    square-root scaled. A border is a ratio: forget share / (forget share + retain share).
groups-borders-note =
    Drag a border, or choose it and use the arrow keys. Lines through the marks show the noise: a part whose noise reaches
    equal shares stays shared wherever the borders lie, and a part in one circuit only obeys its circuit.
groups-alt = Each part by its share of the work for everyone else and for the forgotten data, with two borders to move
groups-forget-axis = share of the work for the forgotten data
groups-retain-axis = share of the work for everyone else
groups-low = Border between retain and shared, as a ratio
groups-high = Border between shared and forget, as a ratio
groups-ratio = ratio
groups-svg = Save as SVG
groups-png = Save as PNG
groups-kind = { $group }: serves { $serves }
groups-hand = Move parts by hand
groups-hand-help = A person may know what the numbers cannot. The reason is kept with the run and stands in its record.
groups-parts = Parts
groups-into = Into the group
groups-reason = Reason, for the record
groups-reason-hint = For example: it lights up for this title alone
groups-move = Move
groups-incomplete = Choose at least one part and write a reason.
groups-moved = { $part } to **{ $group }**: { $reason }
groups-back = Take back
groups-preview = What it changes
groups-changed = { $count ->
    [0] No part changes its group.
    [one] One part changes its group.
   *[other] { $count } parts change their group.
}
groups-changed-alt = Parts that change their group, with the group before and after
groups-movable = { $after } of the adapter's parameters would be free to move; in this run it was { $before }.
groups-movable-unknown = This run did not write down how many parameters each part owns, so the share that may move is not known.
groups-launch = Launch a run with these groups
groups-launch-nothing = Move a border or a part first.
groups-launch-note = For request { $request }, over this run's circuit, seed { $seed }. This run stays as it is.
groups-edited = Groups edited by a person: borders { $low } and { $high }, { $moves ->
    [0] no part moved
    [one] one part moved
   *[other] { $moves } parts moved
} by hand.
groups-table-alt = All parts with their ratio, group and the reason of those moved by hand
groups-column-part = Part
groups-column-what = What it is
groups-column-before = Before
groups-column-after = After
groups-column-group = Group
groups-column-ratio = Ratio
groups-column-noise = Noise
groups-column-sure = Sure
groups-column-reason = Moved by hand because

## What if

what-if-title = What would be recommended without some parts of the model?
what-if-note =
    Switch parts off, or leave titles out of the history, and see one person's list change. Nothing is saved, and the
    model stays as it is.
what-if-loading = Opening the model…
what-if-model = Model
what-if-model-help = Which model answers: the one before the run, the one after it, or one that never saw the data.
what-if-original = before the run
what-if-unlearned = after the run
what-if-reference = never saw the data
what-if-person = Person
what-if-person-help = Everybody whose data trained the recommender. Those who asked to be erased come first.
what-if-asked = { $user } (asked to be erased)
what-if-length = Titles in the list
what-if-parts-title = Parts
what-if-parts-help =
    A part that is off works as if the history held other, unrelated titles; everything else reads the true history.
what-if-all-on = Switch all on
what-if-groups = Switch whole groups off
what-if-parts = Parts of the model, the last layer at the top
what-if-part = { $part }, serves { $serves }
what-if-group = All parts that serve { $serves }
what-if-layer = layer { $layer }
what-if-mlp = MLP
what-if-history-title = History
what-if-history-help = The titles that the model reads before it answers, oldest first. A plus stands before what was liked.
what-if-kept = In the prompt
what-if-out = Left out
what-if-hint = Drag a title here, or press it.
what-if-leave = press to leave it out
what-if-back = press to put it back
what-if-liked = liked
what-if-disliked = not liked
what-if-same = Nothing is off: this is what the model recommends to { $user }.
what-if-parts-off =
    { $parts ->
        [0] With every part on
        [one] With one part off
       *[other] With { $parts } parts off
    }{ $titles ->
        [0] {""}
        [one] {" "}and one title left out
       *[other] {" "}and { $titles } titles left out
    }: { $change }
what-if-answered = Answered in { $milliseconds } ms. That a title leaves the list shows what it hung on; it proves no forgetting.
what-if-as-is = As it is
what-if-changed = Changed
what-if-slopes-alt = Ranks as they are and changed, one line a title; the lists hold the same
what-if-send = Send these parts to the group editor
what-if-no-model = This run kept no model to ask.
what-if-no-groups = This run sorted no parts into groups, so there is nothing to switch off.

## Run

## Before and after

before-nothing = This run has nothing to compare yet.
before-nothing-yet = The comparison is made in the run's last stages.
before-watch = Watch the run
before-way = How far it came
before-way-help =
    Residual: the distance to models that never saw the data, as a share of the distance before. 1: nothing done, 0: no
    difference left.
before-way-alt = Distance of the unlearned model to the references, from 1, nothing done, to 0, no difference
before-jsd = Jensen-Shannon divergence on the forgotten data: { $before } bits before, { $after } after.
before-floor = The references differ from one another by { $low } to { $high }.
before-person-title = One person's recommendations
before-person-help = Anybody whose data trained the recommender. A run keeps the lists of a few; for others the models are asked now.
before-person = Person
before-asked = { $user } (asked to be erased)
before-length = Titles in the list
before-asking = Asking the models…
before-trace = That a title left the list is a trace of the change, not a proof that it is forgotten.
before-before = Before
before-after = After
before-never = A model that never saw it
before-slopes-alt = Ranks before and after, one line a title; the lists above hold the same
before-genres-alt = Genres of the titles in the lists before, after, and of the model that never saw the data
before-genres-note = Genres of the titles in the lists: which tastes the change concerns.
before-everyone = Everyone else's recommendations
before-everyone-help =
    For every kept person, how many titles of their top 10 are still there after the run. A model trained anew changes
    lists too, without meaning to: that is what the run is compared with.
before-not-measured = Nobody has compared everyone's lists for this run yet. It asks the models about each kept person, in the background.
before-measure = Compare everyone's lists
before-measure-failed = The last try did not finish. The reason stands in the run's log.txt.
before-measuring = Comparing everyone's lists, about { $left } left
before-overlaps-alt = How many kept people have how many titles of their top 10 left, after the run and in a model trained anew
before-neighbours = **Those most like the people who are erased.** Their lists would suffer first.
before-neighbours-alt = Kept people whose titles are most like those of the people of the request, with how much of their list stays
before-measures = All measures
before-interval-alt = { $measure } of the models with 95 % intervals
before-measures-alt = All measures before, after and of the references, with 95 % intervals
before-overlaps =
    On average { $mean } of the { $people ->
        [one] one kept person's
       *[other] { $people } kept people's
    } top-10 titles stay; half of them keep { $median } or more.
before-overlaps-reference = A model trained anew keeps { $mean } on average.
before-column-person = Person
before-column-alike = Alike
before-column-stays = Stays
before-column-anew = Trained anew
before-axis-titles = titles of the top 10 that stay
before-axis-people = kept people
before-genre = genre
before-titles = titles

## Report

## Tour

tour-offer = **New here?** See how one request to be erased is answered, step by step, on a fictional cinema.
tour-start = Take the three-minute tour
tour-not-now = Not now
tour-place = Step { $number } of { $count }
tour-back = Back
tour-next = Next
tour-leave = Leave the tour
tour-workspace = This workspace is a fictional cinema. A small language model learned from its members’ ratings which films to recommend, and some members asked to be erased.
tour-people = This is one of the people who asked to be erased. The table holds all that the model learned from them, such as their love of every film with “Letter” in its title.
tour-circuit = The model is made of many small parts. The drawing shows those that together cause a recommendation, the circuit: a history goes in at the bottom, the answer comes out at the top.
tour-part = The orange triangles are the parts that serve mainly the data of those who asked. One is chosen: beside it stands what it reads and which titles it pushes up or down.
tour-sure = Nobody should trust this blindly: the search is repeated on other prompts, and the paler a mark, the less sure its group. The column “Sure” of the last table says it in numbers.
tour-what-if = Here that part is switched off, and the list of one person who asked stands beside the list as it is. Switch others, or drag a film out of the history.
tour-groups = Each part was sorted by whom it works for. Here you see where the line between the groups lies, and what moves when it is drawn elsewhere.
tour-run = One run takes the data out: the parts of each group are changed by a rule of their own. The curve shows the model losing its knowledge of the people who asked, step by step.
tour-before-after = Now compare: the recommendations of one person who asked, before and after. A title that left the list is a trace of the change, not a proof.
tour-never-saw = The fair yardstick is a model that never saw their data. The first chart shows how much of the way there this run came, and the third list what such a model recommends.
tour-report = The report says all of this in plain words, with what was measured and what is not known, as one file to hand on. It also lists what still holds the data.
tour-decide = People decide, not this software: the report is their evidence. That was the tour; open a request of your own to go on.

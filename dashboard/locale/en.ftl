### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

lists-alt = { $list }: rank, title and what happened to it
everywhere-inside = Look inside
everywhere-unlearn = Unlearn
everywhere-decide = Decide
product = CURE Lens
page-overview = Overview
page-request = Request
page-circuit = Circuit
page-what-if = What if
page-groups = Groups
page-run = Run
page-before-after = Before and after
page-review = Review
page-report = Report
page-benchmark = Benchmark

sidebar-run = Run shown
sidebar-run-help = All pages speak of this run. The address bar holds a link to it.
sidebar-run-state = { $run } ({ $state })
sidebar-offline = Everything stays on this machine.
no-run = There is no run in this workspace yet.
no-run-launch = Launch the first run
watch-run = Watch the run

about-run = { $state } Run { $run } for request { $request }, method { $method }.
state-queued = waiting
state-running = running
state-done = done
state-failed = failed
state-cancelled = stopped
state-lost = lost

save-chart = Save *the chart: { $alt }*
save-svg = For print (SVG) *of the chart: { $alt }*
save-png = For slides (PNG) *of the chart: { $alt }*
save-csv = Save as CSV

duration-unknown = a while
duration-seconds = { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}
duration-minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
duration-hours = { $hours } hours
range = { $low } to { $high }
interval = { $value } ({ $low } to { $high })
not-measured = not measured

scope-people = everything of { $people ->
    [one] { $people } person
   *[other] { $people } people
}
scope-chosen = { $chosen ->
    [one] { $chosen } chosen interaction
   *[other] { $chosen } chosen interactions
}
scope-both = { $people } and { $chosen }
whose = { $people ->
    [one] this person's
   *[other] these people's
}

group-forget = forget
group-retain = retain
group-shared = shared
group-outside = outside
group-forget-serves = mainly this data
group-retain-serves = mainly everyone else
group-shared-serves = both
group-outside-serves = neither
group-legend = { $mark } { $group }: serves { $serves }

part-head = head { $head } of layer { $layer }
part-mlp = MLP of layer { $layer }
part-input = the history that is read
part-logits = the answer
part-head-short = h{ $head }
part-mlp-short = MLP

move-up = up { $steps }
move-down = down { $steps }
move-same = same
move-new = new
move-removed = removed

measure-test-auc = Quality for everyone else (AUC)
measure-test-auc-read = higher is better
measure-log-loss = Error for everyone else (log loss)
measure-log-loss-read = lower is better
measure-hit-rate = Liked title in the top 10 (HR@10)
measure-hit-rate-read = higher is better
measure-ndcg = Liked titles stand high up (NDCG@10)
measure-ndcg-read = higher is better
measure-forget-auc = Knowledge of the forgotten data (AUC)
measure-forget-auc-read = should fall
measure-holdout-auc = Guesses about strangers (AUC)
measure-holdout-auc-read = the level to reach
measure-membership-auc = Attack: was the data used? (AUC)
measure-membership-auc-read = 0.5 is guessing
measure-item-mean = Baseline: a title's mean rating (AUC)
measure-item-mean-read = should be beaten

utility-better = For everyone else the recommendations became better (AUC { $before } before, { $after } after).
utility-worse = For everyone else the recommendations became worse (AUC { $before } before, { $after } after).
utility-same = For everyone else no change in quality could be measured (AUC { $before } before, { $after } after).
membership-unknown = Too few people were there to say whether an attack can tell that the data was used (AUC { $before } before, { $after } after, 0.50 is guessing).
membership-able = A simple attack on the unlearned model still does better than guessing at telling that the data was used (AUC { $before } before, { $after } after, 0.50 is guessing).
membership-unable = A simple attack on the unlearned model was not seen to do better than guessing at telling that the data was used (AUC { $before } before, { $after } after, 0.50 is guessing).

legend = The words on these pages
legend-row = **{ $word }**: { $meaning }
legend-request = request
legend-request-means = One demand to erase: everything of some people, or chosen interactions.
legend-run = run
legend-run-means = One execution of the whole way for one request: find, take out, check, report.
legend-part = part (module)
legend-part-means = One attention head or one MLP of one layer of the model; the smallest piece we look at.
legend-circuit = circuit
legend-circuit-means = The parts and connections that together cause a recommendation.
legend-group = group
legend-group-means = What a part is for: mainly the forgotten data (forget), mainly everyone else (retain), both (shared), or neither (outside).
legend-sure = sure
legend-sure-means = How often a part comes out in the same group when the prompts are drawn again at random (bootstrap).
legend-forget = forget set
legend-forget-means = The training examples that the request covers. The retain set is all the others.
legend-reference = reference
legend-reference-means = A model trained again without the forgotten data: what the model would be if it had never seen it.
legend-holdout = holdout
legend-holdout-means = People that no model was ever trained on; they show what not knowing someone looks like.
legend-auc = AUC
legend-auc-means = How often a liked title is ranked above a disliked one: 0.5 is guessing, 1 is always.
legend-residual = residual
legend-residual-means = Distance left to the references: 1 means nothing was done, 0 means no difference is left.
legend-jsd = JSD
legend-jsd-means = Jensen-Shannon divergence, in bits: how far two models' answers lie apart; 0 means equal.
legend-logit = logit
legend-logit-means = The model's raw score for an answer, before it becomes a probability: plus one makes the answer 2.7 times as likely against the other.
legend-cosine = cosine
legend-cosine-means = How alike two directions are: 1 the same way, 0 nothing to do with one another, -1 opposite ways.

## Overview

overview-lead = One recommender that learned from { $people ->
    [one] { $people } person
   *[other] { $people } people
}, and { $requests ->
    [one] { $requests } request
   *[other] { $requests } requests
} to take data out of it.
overview-note = Workspace **{ $workspace }**, { $data }: { $titles ->
    [one] { $titles } title
   *[other] { $titles } titles
}, { $interactions ->
    [one] { $interactions } interaction
   *[other] { $interactions } interactions
}.
overview-compare = Compare before and after
overview-parts = See the parts
overview-report = Read the report

overview-next-live = **Next:** a run is working for { $request }, about { $left } left.
overview-next-live-link = Watch it
overview-next-waiting = **Next:** request { $request } waits for its first run.
overview-next-waiting-link = Launch it
overview-next-decide = **Next:** read the report and decide, or open another request.
overview-next-first = **Next:** open the first request.
overview-next-link = Open a request

overview-requests = Requests
overview-requests-help = A request is one demand to erase: everything of some people, or chosen interactions.
overview-requests-save = { $requests ->
    [one] Save it as CSV
   *[other] Save all { $requests } as CSV
}
overview-request = { $request } asks to erase { $scope }, opened { $date }. **{ $state }.**
overview-request-people = People: { $people }
overview-request-people-more = People: { $people } and more
overview-request-reason = Reason: { $reason }
overview-request-launch = Launch a run for it
overview-request-done = unlearned, ready to check
overview-request-live = a run is working
overview-request-unfinished = no run has finished yet
overview-request-waiting = waits for its first run
overview-open-request = Open a new request
overview-request-column = Request
overview-people-column = People
overview-covers-column = Covers
overview-reason-column = Reason
overview-opened-column = Opened
overview-state-column = State

overview-runs = Runs
overview-runs-help = A run finds the parts that carry the data, takes it out, checks the result and writes a report.
overview-runs-save = { $runs ->
    [one] Save it as CSV
   *[other] Save all { $runs } as CSV
}
overview-run-open = Open this run
overview-run-live = { $progress } done, about { $left } left.
overview-run-nothing = It gave no result.
overview-run-column = Run
overview-method-column = Method
overview-device-column = Device
overview-created-column = Created
overview-seconds-column = Seconds

## Request

request-lead = Who asks to be taken out, and which of their data?
request-note = The recommender learned from { $people ->
    [one] { $people } person
   *[other] { $people } people
}. Only their data can be taken out: nobody else's is in it.
request-person = Person
request-person-search = Type an id to search
request-person-help = People whose interactions trained the recommender. Strangers who are kept apart for checking are not listed.
request-person-missing = Choose a person to read what the model learned from them.

request-history = What the model learned from them
request-history-counts = { $interactions ->
    [one] { $interactions } interaction
   *[other] { $interactions } interactions
}, { $liked } of them liked, newest first.
request-history-alt = Interactions of one person: title, liked or not, rating, date; { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}
request-history-title = Title
request-history-liked = Liked or not
request-history-rating = Rating
request-history-date = Date
request-liked = liked
request-not-liked = not liked

request-form = The request
request-what = What to erase
request-all = Everything of this person
request-chosen = Chosen interactions only
request-which = Which interactions
request-which-search = Search their titles
request-ground = Ground
request-identity = How was their identity checked?
request-reason = Reason, in your words
request-reason-example = For example: they closed their account
request-reason-help = It is destroyed with the request; ground and identity check stay in the record.
ground-not-recorded = not recorded
ground-not-needed = no longer needed (GDPR 17(1)(a))
ground-consent-withdrawn = consent withdrawn (GDPR 17(1)(b))
ground-objection = objection (GDPR 17(1)(c))
ground-unlawful = processed unlawfully (GDPR 17(1)(d))
ground-law = a law demands it (GDPR 17(1)(e))
ground-child = collected from a child (GDPR 17(1)(f))
ground-other = another ground
identity-not-recorded = not recorded
identity-account = they were logged in
identity-email = by their e-mail address
identity-document = by a document
identity-other = in another way
review-grounds = Ground: { $ground }. Identity checked: { $identity }.
request-open = Open the request
request-opened = Request { $request } is open. Next: launch a run for it.
request-after = Opening a request changes nothing in the model. Backups and earlier checkpoints still hold the data: erase them too.

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
memory-lead = { $count ->
    [0] None of the { $all } parts of the model remembers { $whose } data.
    [one] { $count } of { $all } parts of the model remembers { $whose } data.
   *[other] { $count } of { $all } parts of the model remember { $whose } data.
}
memory-note =
    A part remembers where it helps these people more than strangers whom the model never met, beyond what chance allows.
    The method asked that instead of drawing a circuit. In its groups **forget** remembers and does not help strangers,
    and **shared** remembers and helps them too; **retain** only helps, **outside** does neither and did not move.
memory-alt = For each part how much more its adapter helps the forgotten people than strangers, with a 95 % interval
memory-all-alt = Every part: what its adapter spares the forgotten people, and strangers, in nats, and its group
memory-part = part
memory-group = group
memory-contrast = spared more than strangers (nats)
memory-forget = Spared the forgotten
memory-holdout = Spared strangers
memory-difference = Difference
memory-noise = Noise
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
circuit-lead = { $own ->
    [0] None of the { $all } parts of the model serves mainly { $whose } data.
    [one] { $own } of { $all } parts of the model serves mainly { $whose } data.
   *[other] { $own } of { $all } parts of the model serve mainly { $whose } data.
}
circuit-overlap = Found on one half of the prompts and on the other, the circuits share { $share } of their parts; random ones of this size would share { $chance }.
circuit-overlap-unknown = One prompt says nothing about how sure the circuit is.

circuit-graph-full = Full screen
circuit-graph-leave = Leave full screen
circuit-graph-layer = layer { $layer }
circuit-graph-group = group: { $group }, sure { $sure }
circuit-graph-effect = effect on the answer: { $score }
circuit-graph-shares = share for the forgotten data { $forget }, for everyone else { $retain }
circuit-graph-edge = { $source } to { $target }
circuit-graph-reads = reads

circuit-curve-parts = parts kept
circuit-curve-kept = behaviour that remains
circuit-curve-which = which
circuit-curve-strongest = strongest parts
circuit-curve-random = random parts
circuit-curve-needed = needed: { $share }

circuit-places-instruction = instruction
circuit-places-target = asked for
circuit-places-back = { $titles } back
circuit-places-axis = titles back from the one asked for
circuit-places-supports = supports the answer
circuit-places-against = speaks against it
circuit-places-part = part
circuit-places-place = place
circuit-places-side = what it does
circuit-places-strength = by, in logits

circuit-table-part = Part
circuit-table-what = What it is
circuit-table-group = Group
circuit-table-sure = Sure
circuit-table-serves = Serves
circuit-table-forget = Forget share
circuit-table-retain = Retain share
circuit-table-ratio = Ratio
circuit-table-noise = Noise
circuit-table-conflict = Conflict
circuit-table-in-forget = In forget circuit
circuit-table-sure-forget = Sure of forget circuit
circuit-table-in-retain = In retain circuit
circuit-table-sure-retain = Sure of retain circuit

## Groups


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

run-none = No run has been launched yet.
run-none-note = A run finds the parts that carry the data, takes it out, checks the result and writes a report.
run-queued = The run waits for its turn.
run-running = The run is working.
run-done = The run finished in { $time }.
run-failed = The run stopped because something went wrong.
run-cancelled = The run was stopped by a person.
run-lost = The run has lost its worker.

run-form = Launch a new run
run-form-empty = A run needs a request.
run-form-empty-link = Open a request
run-form-request = Request
run-form-request-scope = { $request }: { $scope }
run-form-method = Method
run-form-device = Device
run-form-device-help = Where the run computes. A graphics card (CUDA) is faster than the processor (CPU).
run-form-device-auto = Choose for me
run-form-device-cpu = Processor
run-form-device-cuda = Graphics card
run-form-seed = Seed
run-form-seed-help = Runs with the same seed on the same machine give the same result. Leave it at 0 if unsure.
run-form-launcher = Start it
run-form-launcher-local = On this machine
run-form-spare = { $launcher ->
    [local] On this machine now: { $spare }.
   *[other] There now: { $spare }.
}
run-form-references = { $references ->
    [one] { $references } reference model that never saw this data is ready for the comparison.
   *[other] { $references } reference models that never saw this data are ready for the comparison.
}
run-form-no-references = No reference model is ready for this request, so the result cannot be compared with one. Make some first, on the command line:
run-form-launch = Launch the run
run-form-estimate = Estimate time and memory
run-form-estimate-help = Times a small copy of the model on the chosen device. Nothing is launched.
run-form-estimating = Timing a small copy of the model
run-form-needs = About { $time }, give or take a factor of two. It needs about { $memory } GB of memory; { $free } GB are free now.
run-form-too-large = It does not fit into that memory. Choose another device, or have the model laid out over several cards (cards, in the workspace’s settings).

run-stage-loading = loading
run-stage-contrast = contrast prompts
run-stage-circuit = circuit
run-stage-groups = groups
run-stage-unlearning = unlearning
run-stage-evaluation = evaluation
run-stage-report = report
run-progress = { $stage }: { $progress }
run-progress-left = { $stage }: { $progress }, about { $left } left
run-progress-starting = Starting
run-queue = { $runs ->
    [0] Waiting for a free device
    [one] Waiting: one run comes first
   *[other] Waiting: { $runs } runs come first
}
run-queue-left = { $runs ->
    [one] Waiting: one run comes first, for about { $left }
   *[other] Waiting: { $runs } runs come first, for about { $left }
}
run-resume = Resume this run
run-resume-help = It goes on from its last checkpoint; what is finished is not done again.
run-give-up = Give it up
run-give-up-help = The half-made adapter is destroyed. The adapter in use is not touched.
run-stop = Stop this run
run-stop-help = Nothing of the original model is changed by a run, stopped or not.
run-stop-asked = Asked to stop; the run ends after this step.
run-leave = You can leave this page: the run goes on, and this address finds it again.

run-figures-step = Step { $step } of { $steps }
run-figures-conflict = { $share } of the shared parts were pulled both ways
run-figures-device = on { $device }, { $precision }
run-figures-memory = { $memory } GB of memory
run-figures-pace = { $tokens } tokens a second
run-figures-so-far = { $time } so far
run-figures-in-all = { $seconds ->
    [one] { $seconds } second in all
   *[other] { $seconds } seconds in all
}
run-losses-alt = Loss on the forgotten data, on everyone else and on strangers, per step of the unlearning
run-losses-note = Unlearning works when the loss on the forgotten data rises toward that of strangers while everyone else's stays flat.
run-losses-step = step
run-losses-axis = loss (higher: knows less)
run-losses-loss = loss
run-losses-people = measured on
run-losses-forget = forgotten data
run-losses-validation = everyone else, unseen
run-losses-holdout = strangers
run-losses-anew = training anew
run-conflict = Where forgetting and keeping pulled apart
run-conflict-alt = For each group of parts and step: how far the pull of forgetting agrees with the pull of keeping, and how far the step taken agrees with keeping
run-conflict-note = 1 means the same direction, 0 neither for nor against, −1 straight against. Where the dashed line is below 0 the two pulls fight. In shared parts the step then leaves out what would harm the people kept, so the solid line stays above 0. Lines are means over seven steps.
run-conflict-gradients = forgetting against keeping, before
run-conflict-step = the step taken against keeping
run-conflict-axis = agreement (cosine)
run-conflict-group = group
run-conflict-which = what is compared
run-conflict-cosine = agreement
run-compare = Compare before and after
run-report = Read the report

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
before-after-same = All { $titles } recommendations stay where they were.
before-after-changed = { $gone ->
    [0] No title left the list
    [one] { $gone } title of { $titles } left the list
   *[other] { $gone } titles of { $titles } left the list
} and { $moved } changed place.

before-after-distance-nothing = 1: nothing done
before-after-distance-equal = 0: no difference
before-after-distance-after = after: { $residual }
before-after-distance-references = references among themselves
before-after-distance-nearest = nearest reference
before-after-distance-farthest = farthest reference

before-after-model-before = before
before-after-model-after = after
before-after-model-reference = reference
before-after-model-item-mean = item mean
before-after-interval-model = model
before-after-interval-value = value
before-after-interval-low = low
before-after-interval-high = high

before-after-slopes-stays = stays in the list
before-after-slopes-title = title
before-after-slopes-change = change

before-after-list-rank = Rank
before-after-list-title = Title
before-after-list-change = Change

before-after-table-measure = Measure
before-after-table-before = Before
before-after-table-after = After
before-after-table-references = References
before-after-table-words = In words
before-after-table-read = How to read it
before-after-no-references = none
before-after-like = like the references
before-after-little-above = a little above the references
before-after-above = above the references
before-after-little-below = a little below the references
before-after-below = below the references

## Report

report-none = This run has no report yet.
report-none-why = The report is the run's last stage.
report-plain = In plain words
report-plain-note = The report below says what was done, how it was measured, and what is not known.
report-holds = What still holds the data
report-holds-data = the workspace's own data, { $folder }
report-holds-adapter = the adapter before unlearning, { $folder }
report-holds-runs = adapters of runs for other requests
report-holds-copies = every backup, log and copy of these
report-holds-note = A run writes a new adapter and changes none of these. The report is evidence for the people who decide.
report-missing = The report file is not there.
report-save = Save the report (HTML)
report-named = Reviewer's copy
report-named-help = Names the people of the request and shows titles of their lists. It is personal data: do not hand it on.
report-save-numbers = Save the numbers (JSON)
report-frame = The report of this run

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

## Benchmark

benchmark-none = No benchmark has been measured yet.
benchmark-none-note = Run `python -m core bench --quick` in a terminal: it measures CURE and its rivals on the demo world in under 15 minutes, and this page then shows what came out.
benchmark-lead = At equal quality { $method } is ahead of { $ahead ->
    [0] none
   *[other] { $ahead }
} of { $rivals } rivals and behind { $behind ->
    [0] none
   *[other] { $behind }
}.
benchmark-note = Ahead means nearer to a model that never saw the forgotten data, where test AUC for the people kept falls by at most .005. Measured on { $data } with { $seeds ->
    [one] one adapter
   *[other] { $seeds } adapters
}; a difference counts only where its 95 % interval leaves out zero. Each method stands at its best point, chosen with those models in sight; the report also compares what a run hands over.
benchmark-controls-fail = **What the circuit is worth:** { $method } cannot be told from { $controls }, or stands behind. Where such a control does as well, choosing the parts by circuit is not what does the work.
benchmark-controls-hold = **What the circuit is worth:** { $method } beats every control that was run here: { $controls }.
benchmark-controls-none = **What the circuit is worth:** no control of { $method } was run here, so nobody can say.
benchmark-floor = **How sure one can be:** models that never saw the data score { $floor } against one another on this scale (0 = identical, 1 = as far as the original). Nobody can honestly be asked to come below that.
benchmark-world = Shown
benchmark-by = Judged by
benchmark-by-residual = distance to models that never saw the data (residual)
benchmark-by-gap = advantage left on the forgotten ratings (AUC gap)
benchmark-axis-residual = residual
benchmark-axis-gap = AUC gap
benchmark-ours = Method
benchmark-ours-cure = CURE
benchmark-ours-cure-memory = CURE by memory
benchmark-ours-cure-merge = CURE, in weight space
benchmark-world-option = { $data }, { $task }: { $kind }
benchmark-task-click = is it liked?
benchmark-task-next-item = what comes next?
benchmark-kind-random = 5 % of the people, by chance
benchmark-kind-heavy = three people with long histories
benchmark-kind-single = one person
benchmark-kind-genre = one genre of one person
benchmark-kind-row = people one after the other
benchmark-row-lead = After { $count } requests one after the other, { $method } leaves { $left } of an advantage of { $had } AUC on the forgotten ratings.
benchmark-row-lead-below = After { $count } requests one after the other, { $method } has forgotten too much: on the forgotten ratings it is { $left } AUC worse than models that never saw them. It was { $had } better.
benchmark-row-note = The people ask in turn; each run starts where the last one ended, and validation and holdout people end it. Test AUC for people kept changed by { $utility }. Measured on { $data } with { $seeds ->
    [one] one adapter
   *[other] { $seeds } adapters
}, against models retrained without all of them.
benchmark-row-served = requests served
benchmark-row-alt = { $measure } after each request, for each method
benchmark-row-table = After the last request
benchmark-row-read = Advantage on the forgotten ratings: 0 = none, as in models that never saw them. Residual: 1 = nothing done for any of them, 0 = equal to the retrained models. Drift: the same for the people who stay; over 1, their answers went further from a retrained model's than they were.
benchmark-pareto = Forgetting against quality
benchmark-pareto-alt = For each method along its way: how much is left of the forgotten data, and how much quality for kept people was lost
benchmark-pareto-note = The way of each method as it works longer, mean over the adapters. Best is the lower right: little left of the forgotten data, nothing lost for the others. The grey band is how far models that never saw the data lie from one another.
benchmark-pareto-shown = Methods drawn
benchmark-pareto-x = change of test AUC for people kept
benchmark-pareto-method = method
benchmark-pareto-strength = steps, or strength
benchmark-original = did nothing
benchmark-reference = never saw the data
benchmark-differences = Who is ahead at equal quality
benchmark-differences-alt = For each rival and control: { $method } less the other in residual, with its 95 % interval
benchmark-differences-note = Left of zero: { $method } is nearer to a model that never saw the data. Each method stands at its best point that costs kept people at most .005 of test AUC; the differences are paired by adapter. Controls are { $method } with one piece taken away or scrambled.
benchmark-differences-x = difference in { $measure }
benchmark-differences-rival = rivals
benchmark-differences-control = controls
benchmark-difference = difference
benchmark-table = All figures
benchmark-table-alt = Every method at its best point: residual, reach, quality, seconds
benchmark-column-method = Method
benchmark-column-residual = Residual
benchmark-column-reach = Reach
benchmark-column-gap = AUC on forgotten, less references
benchmark-column-membership = Membership AUC
benchmark-column-drift = Drift of people kept
benchmark-column-utility = Test AUC, change
benchmark-column-seconds = Seconds
benchmark-column-circuit = Circuit seconds
benchmark-column-moved = Share moved
benchmark-table-note = Made by `python -m core bench`; the full report with intervals, all strengths and the tuning is benchmarks/unlearning.md.
benchmark-control-cure-random = random parts, same numbers
benchmark-control-cure-inverted = forget and retain swapped
benchmark-control-cure-all-shared = every part shared
benchmark-control-cure-no-projection = no projection
benchmark-control-cure-frozen-retain = retain parts frozen
benchmark-control-cure-no-pagerank = contrast without PageRank
benchmark-control-cure-by-gradient = groups by gradient
benchmark-control-memory-random = random parts (memory)
benchmark-control-merge-random = random parts (merged)
benchmark-control-merge-inverted = groups swapped (merged)
benchmark-control-merge-all-shared = every part shared (merged)
benchmark-control-merge-no-projection = no projection (merged)
benchmark-control-merge-by-circuit = groups by circuit (merged)
benchmark-weakened = Adapter weakened
benchmark-negation = Task-vector negation
benchmark-sisa = SISA shards
benchmark-apa = APA shards
benchmark-receraser = RecEraser shards

# ---------------------------------------------------------------- review

review-lead = { $requests ->
    [0] No request waits for an answer{ $closed ->
        [0] .
        [one] ; one was carried out.
       *[other] ; { $closed } were carried out.
    }
    [one] One request waits for an answer.
   *[other] { $requests } requests wait for an answer.
}
review-single = One person does everything here. That is for looking at the product; it is not four eyes.
review-you = You are { $person }: { $roles }.
review-log-in = Log in
door-lead = Log in to look inside.
door-who = The people of this workspace have roles, and nobody without one sees what is in it.
door-no-role = You are { $person }, who has no role in this workspace. Whoever keeps it can give you one, under people in workspace.json.
door-no-login = No login is set up here: put [auth] into Streamlit's secrets.
review-unfinished = Request { $request } is approved and not carried out to its end yet: { $step } of { $steps } steps are done.
review-go-on = Go on
review-went-on = It was carried out.
review-empty = There is no request yet.
review-request = Request
review-inbox = All requests, the one that is due first at the top
review-look = Look at this one
review-due = To be answered by { $date }.
review-overdue = **That day is over.**
review-no-run = No finished run yet
review-to-verify = To be verified
review-to-submit = Verified, to be submitted
review-question = The question
review-asked = On { $date } it was asked to erase { $scope }.
review-people = Whose data: { $people }
review-opened-by = Opened by { $person }
review-evidence = The evidence
review-nothing-yet = There is no run to look at yet.
review-verify = Verify this run
review-verify-again = Verify again
review-verify-full = Ask everything, also what takes long
review-verify-full-help = Other wordings of the prompt, a little training, probes inside the model, and everybody's lists: minutes instead of a minute. With less than all of it nothing passes.
review-verifying = The model, the original and models that never saw the data are asked the same questions. This takes a minute or two, and several where everything is asked.
review-unverified = This run was not verified yet.
review-not-verified = Verify the run first; then it can be submitted.
review-passed = { $checks ->
    [one] One check passed
   *[other] { $checks } checks passed
}
review-of = { $count } of { $all } checks:
review-not-run = Not looked at: { $what }.
review-numbers = The numbers behind it
review-numbers-alt = Table of { $checks } checks with their values, intervals and bounds
review-column-check = Check
review-column-name = What is measured
review-column-verdict = Verdict
review-column-value = Value
review-column-low = From (90 %)
review-column-high = To (90 %)
review-column-n = Rows
review-column-bounds = Passes within
review-column-needed = Rows needed
review-column-source = Where the bounds come from
review-column-time = Time
review-column-what = What happened
review-decision = The decision
review-not-submitted = It was not submitted for a decision yet.
review-was-void = Another request was carried out meanwhile, and with the old adapter all runs were destroyed, this request's too. It needs a new one.
review-was-rejected = The last run was rejected and its adapter destroyed. The adapter in use was never touched.
review-needs = It takes the word of a privacy officer and that of a product owner. Neither may have opened the request, launched the run or submitted it. One refusal is enough.
review-needs-one = One word is enough here, as one person does everything.
review-no-ledger = Decisions are signed into a ledger, and none is kept here yet.
review-make-ledger = Make the ledger and its keys
review-submit = Submit for decision
review-submitted = The run is before those who decide.
review-changed = Something about the run changed since it was submitted. Every approval of it is void: reject it, and launch a new one.
review-approve = Approve
review-reject = Reject
review-dialog = Your decision
review-will-go = If yours is the last word that it takes, the new adapter goes into service, and this is destroyed:
review-destroys-rows = the forgotten rows in the data, and the people themselves where everything of theirs goes
review-destroys-adapter = the adapter that is in use now
review-destroys-references = all models trained for comparison
review-destroys-runs = all runs with their reports and lists, of every request: they began at the old adapter
review-destroys-requests = the request itself, but for its number and dates
review-destroys-key = at last, the key of the sealed copies; nobody can undo it from then on
review-will-stay = Out of reach from here:
review-left-backups = backups of the disk
review-left-copies = copies that were handed on
review-left-memory = programs that still have the old recommender in memory
review-left-blocks = what deleted files leave on the disk
review-left-logs = logs of other systems
review-will-reject = The candidate is destroyed, and the adapter in use stays. The request stays open.
review-reason = Why
review-reason-help = Needed where the verification is inconclusive. It stays in the signed ledger for good, with your name: name nobody in it.
review-understood = I have read the evidence, and I know that this cannot be undone.
review-approve-now = Approve now
review-reject-now = Reject now
review-carrying-out = Carrying it out: sealing, publishing, purging, checking, destroying.
review-said = The request is { $state } now.
review-approved-by = { $person } ({ $role }) approved. { $time }
review-rejected-by = { $person } ({ $role }) rejected. { $time }
review-single-person = the single user
review-went-back = It was approved and could not be carried out, so everything is as it was: { $why }
review-comments = Comments
review-comment = Say something to the others
review-comment-send = Send
review-timeline = What happened
review-timeline-help = As the signed ledger has it. Nobody can change it unseen.
review-timeline-empty = The ledger holds nothing of this request yet.
review-record-save = Save the record
review-record-help = One page to file or print, made of the signed ledger alone: what was asked, done, checked, decided and destroyed. It names nobody of the request.
review-timeline-save = Save what happened as CSV
review-carried-out = Carried out
review-gone = { $rows } rows of { $people ->
    [one] one person
   *[other] { $people } people
} were deleted on { $date }, and the adapter that had learned from them was destroyed. How sure it is that the new one has forgotten stands in the record.
review-served = Served since: adapter { $adapter }
review-look-again = Look through every file again
review-looking = Every file of the workspace is searched.
review-found = Something is found in { $files }.
review-found-nothing = Nothing of it is found in any file of the workspace, and the approved recommender is in use.
review-served-other = The recommender in use is not the one that was approved last: ask who exchanged it.
review-read-only = Open for reading only
verdict-pass = Pass
verdict-fail = Fail
verdict-inconclusive = Inconclusive
verdict-pass-means = Every check passed: the model is as close to models that never saw the data as these are to one another.
verdict-fail-means = At least one check failed: this run cannot be approved.
verdict-inconclusive-means = Nothing was proven either way: what was measured does not suffice.
case-pending = before those who decide
case-approved = approved, and being carried out
case-rejected = rejected
case-void = void: launch a new run
case-closed = carried out
role-requester = requester
role-operator = operator
role-privacy-officer = privacy officer
role-product-owner = product owner
role-auditor = auditor
timeline-submission = run { $run } was submitted by { $person }.
timeline-run = run { $run } was finished and entered.
timeline-verification = run { $run } was verified: { $verdict }.
timeline-destruction = run { $run } went into service, and what was to be forgotten was destroyed.

### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

product = CURE Lens
page-overview = Overview
page-request = Request
page-circuit = Circuit
page-run = Run
page-before-after = Before and after
page-report = Report

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

save = Save
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
overview-requests-save = Save all { $requests } as CSV
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
overview-runs-save = Save all { $runs } as CSV
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
request-reason = Reason, for the record
request-reason-example = For example: account closed, Article 17 GDPR
request-open = Open the request
request-opened = Request { $request } is open. Next: launch a run for it.
request-after = Opening a request changes nothing in the model. Backups and earlier checkpoints still hold the data: erase them too.

## Circuit

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

groups-chart-retain-axis = share of the work for everyone else
groups-chart-forget-axis = share of the work for the forgotten data
groups-chart-part = part
groups-chart-serves = serves
groups-chart-forget = for the forgotten data
groups-chart-retain = for everyone else
groups-chart-noise = noise of the ratio, plus or minus
groups-chart-sure = sure of the group

## What if

## Run

run-none = No run has been launched yet.
run-none-note = A run finds the parts that carry the data, takes it out, checks the result and writes a report.
run-queued = The run waits for its worker to start.
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
run-form-device-help = Where the run computes. A graphics card is faster.
run-form-device-auto = Choose for me
run-form-device-cpu = Processor (CPU)
run-form-device-cuda = Graphics card (CUDA)
run-form-seed = Seed
run-form-seed-help = Runs with the same seed on the same machine give the same result. Leave it at 0 if unsure.
run-form-references = { $references ->
    [one] { $references } reference model that never saw this data is ready for the comparison.
   *[other] { $references } reference models that never saw this data are ready for the comparison.
}
run-form-no-references = No reference model is ready for this request, so the result cannot be compared with one. Make some first, on the command line:
run-form-launch = Launch the run

run-stage-loading = loading
run-stage-contrast = contrast prompts
run-stage-circuit = circuit
run-stage-groups = groups
run-stage-unlearning = unlearning
run-stage-evaluation = evaluation
run-stage-report = report
run-progress = { $stage }: { $progress }
run-progress-left = { $stage }: { $progress }, about { $left } left
run-progress-waiting = Waiting
run-stop = Stop this run
run-stop-help = Nothing of the original model is changed by a run, stopped or not.
run-stop-asked = Asked to stop; the run ends after this step.
run-leave = You can leave this page: the run goes on, and this address finds it again.

run-figures-step = Step { $step } of { $steps }
run-figures-conflict = { $share } of the shared parts were pulled both ways
run-figures-device = on { $device }, { $precision }
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
run-compare = Compare before and after
run-report = Read the report

## Before and after

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
report-save-numbers = Save the numbers (JSON)
report-frame = The report of this run

## Tour

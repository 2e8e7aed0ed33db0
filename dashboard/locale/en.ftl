### Every text of the pages, in Project Fluent's syntax: one section per page, and each id begins with its page's name.
### { $name } is a value that Python fills in. ** and other Markdown must stay in a translation.

## All pages

lists-alt = { $list }: rank, title and change of each title
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
page-compare = Compare
page-review = Review
page-report = Report
page-benchmark = Benchmark

sidebar-run = Run shown
sidebar-run-help = Every page with this box shows this run. The address bar holds a link to it.
sidebar-run-state = { $run } ({ $state })
sidebar-offline = All data stays on this machine.
no-run = This workspace has no run yet.
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
save-graph-json = Save as graph JSON
save-graph-json-help = For the graph viewers of Neuronpedia and circuit-tracer.

duration-unknown = an unknown time
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

scope-users = all data of { $users ->
    [one] { $users } user
   *[other] { $users } users
}
scope-chosen = { $chosen ->
    [one] { $chosen } chosen interaction
   *[other] { $chosen } chosen interactions
}
scope-both = { $users } and { $chosen }
scope-batch = { $requests } requests together: { $scope }
forgotten-users = { $users ->
    [one] the forgotten user's
   *[other] the forgotten users'
}

group-forget = forget
group-retain = retain
group-shared = shared
group-outside = outside
group-no-lora = { $group }, no LoRA
group-forget-serves = mainly the forget set
group-retain-serves = mainly the retain set
group-shared-serves = both sets
group-outside-serves = neither set
group-legend = { $mark } { $group }: serves { $serves }

module-head = head { $head } of layer { $layer }
module-mlp = MLP of layer { $layer }
module-input = user history
module-logits = prediction
module-head-short = H{ $head }
module-mlp-short = MLP

move-up = up { $steps }
move-down = down { $steps }
move-same = same
move-new = new
move-removed = removed

metric-test-auc = Quality for other users (AUC)
metric-test-auc-read = higher is better
metric-log-loss = Error for other users (log loss)
metric-log-loss-read = lower is better
metric-hit-rate = Liked title in the top 10 (HR@10)
metric-hit-rate-read = higher is better
metric-ndcg = Liked titles near the top (NDCG@10)
metric-ndcg-read = higher is better
metric-forget-auc = Knowledge of the forget set (AUC)
metric-forget-auc-read = best: equal to the references
metric-holdout-auc = Quality for held-out users (AUC)
metric-holdout-auc-read = should not change
metric-membership-auc = Membership attack (AUC)
metric-membership-auc-read = 0.5 is guessing
metric-item-mean = Baseline: mean rating of a title (AUC)
metric-item-mean-read = the model should beat it

utility-better = For other users, the recommendations became better (AUC { $before } before, { $after } after).
utility-worse = For other users, the recommendations became worse (AUC { $before } before, { $after } after).
utility-same = For other users, the quality shows no change beyond the measurement error (AUC { $before } before, { $after } after).
membership-unknown = There are too few users to measure whether an attacker can tell that the forgotten data was used.
membership-found = Shown a forgotten row and a row of a held-out user, an attacker picks the forgotten one { $after } times out of 100; before it was { $before }{ $references ->
    [0] .
    [1] , with models that never saw the data { $low }.
   *[other] , with models that never saw the data { $low } to { $high }.
} Guessing gives 50.

legend = Terms on these pages
legend-row = **{ $word }**: { $meaning }
legend-request = request
legend-request-means = One demand to erase data from the model: all data of some users, or chosen interactions.
legend-forgotten-user = forgotten user
legend-forgotten-user-means = A user whose data a request covers.
legend-other-users = other users
legend-other-users-means = Users whose data trained the model and whom no request covers.
legend-held-out = held-out users
legend-held-out-means = Users whose data is kept out of every training here. They show how the model behaves for a user it does not know.
legend-forget = forget set
legend-forget-means = The training examples that the request covers. The retain set holds all other training examples.
legend-run = run
legend-run-means = One execution of all stages for one request: find the circuit, unlearn, evaluate, report.
legend-adapter = adapter
legend-adapter-means = The small set of trained weights on top of the base language model. A run writes a new adapter and leaves the one in use unchanged.
legend-module = module
legend-module-means = One attention head or one MLP of one layer of the model; the smallest piece that a run examines.
legend-circuit = circuit
legend-circuit-means = The modules and connections that together cause a recommendation.
legend-group = group
legend-group-means = What a module serves: mainly the forget set (forget), mainly the retain set (retain), both (shared), or neither (outside).
legend-certainty = certainty
legend-certainty-means = The share of bootstrap samples (prompts drawn again at random) in which a module comes out in the same group.
legend-reference = retrained reference
legend-reference-means = A model trained again without the forget set: the model that would exist if it had never seen this data.
legend-advantage = advantage
legend-advantage-means = How much more the model knows about the forgotten data than the retrained references, measured by log loss, by AUC or by a membership attack. 0 means no more.
legend-auc = AUC
legend-auc-means = How often a liked title is ranked above a disliked one: 0.5 is guessing, 1 is always.
legend-membership = membership attack
legend-membership-means = A test that guesses from the model's output whether a user's data trained it. An AUC of 0.5 is guessing.
legend-residual = residual
legend-residual-means = Distance to the retrained references, answer by answer: 1 is the distance before the run, 0 means no difference. Much of it is chance.
legend-jsd = JSD
legend-jsd-means = Jensen-Shannon divergence in bits: the distance between the predictions of two models; 0 means equal.
legend-logit = logit
legend-logit-means = The model's raw score for an answer, before it becomes a probability. Adding one multiplies the odds of this answer by 2.7.
legend-cosine = cosine
legend-cosine-means = Agreement of two directions: 1 is the same direction, 0 is independent, -1 is opposite.

## Overview

overview-lead = { $requests ->
    [0] No request is open.
    [one] One request is open: { $parts }.
   *[other] { $requests } requests are open: { $parts }.
}
overview-waiting-review = { $count ->
    [one] one waits for review
   *[other] { $count } wait for review
}
overview-waiting-launch = { $count ->
    [one] one needs a run
   *[other] { $count } need a run
}
overview-waiting-watch = { $count ->
    [one] one has a run that did not finish yet
   *[other] { $count } have a run that did not finish yet
}
overview-waiting-batch = { $count ->
    [one] one is in a batch
   *[other] { $count } are in a batch
}
overview-note = Workspace **{ $workspace }**, { $data }: one recommender, trained on data of { $users ->
    [one] { $users } user
   *[other] { $users } users
}; { $titles ->
    [one] { $titles } title
   *[other] { $titles } titles
} and { $interactions ->
    [one] { $interactions } interaction
   *[other] { $interactions } interactions
} in all.
overview-data-demo = fictional data
overview-other-demo = This model is small and was trained from nothing. { $command } opens the cinema on a pretrained LLM, SmolLM2-135M.
overview-compare = Compare before and after
overview-modules = See the modules
overview-report = Read the report

overview-requests = Requests
overview-requests-help = A request is one demand to erase data: all data of some users, or chosen interactions.
overview-requests-save = { $requests ->
    [one] Save it as CSV
   *[other] Save all { $requests } as CSV
}
overview-result = The run shown
overview-open-request = Open a new request
overview-request-column = Request
overview-users-column = Users
overview-covers-column = Covers
overview-reason-column = Reason
overview-opened-column = Opened
overview-state-column = State
overview-due-column = Due
overview-verdict-column = Verdict

changes-since = Since you were here on { $time }
changes-latest = The latest events
changes-help = Runs, verifications, submissions, decisions and deletions, from the signed ledger. A visit ends after half an hour; its time stays in the workspace, and nothing else about you is kept.
changes-none = Nothing: no run, verification or decision was entered.
changes-more = { $count ->
        [one] One older event stands
       *[other] { $count } older events stand
    } in the history of the requests, on the review page.
health-title = Workspace health
health-ok = in order
health-act = act
health-base = **Base model:** { $title } is on this machine.
health-base-absent = **Base model:** { $title } is not on this machine. Finished results can be read; new runs, lists and *What if* need it.
health-base-next = Fetch its { $size } MB with { $command }.
health-references = **References:** { $ready } of { $all } open requests have the { $references } retrained models that a verdict compares with.
health-references-next = Without them, a run gets no verdict. Train them with { $command }.
health-ledger = **Ledger:** { $entries ->
        [one] one entry, signed
       *[other] { $entries } entries, all signed and in order
    }; any change to them would show.
health-ledger-none = **Ledger:** none is kept, so no decision can be signed.
health-ledger-none-next = Create it on the review page.
health-ledger-damaged = **Ledger:** damaged. { $why }
health-ledger-damaged-next = Compare it with a copy kept elsewhere.
health-drift = **Drift:** { $count ->
        [0] no deletion yet, so { $used } of { $budget } AUC of the quality for other users is used up
        [one] one deletion used { $used } of { $budget } AUC of the quality for other users
       *[other] { $count } deletions used { $used } of { $budget } AUC of the quality for other users
    }.
health-drift-next = Retrain next, which starts the count again.
health-disk = **Disk:** { $left } GB are free; a run may fail below { $needed } GB.
health-disk-next = Free disk space before the next run.
overview-runs = Runs
overview-runs-help = A run finds the modules that carry the forget set, unlearns it, evaluates the result and writes a report.
overview-runs-save = { $runs ->
    [one] Save it as CSV
   *[other] Save all { $runs } as CSV
}
overview-run-open = Open this run
overview-run-live = { $progress } done.
overview-run-live-left = { $progress } done, about { $left } left.
overview-run-nothing = This run has no result.
overview-run-column = Run
overview-method-column = Method
overview-device-column = Device
overview-created-column = Created
overview-seconds-column = Seconds

## Request

request-lead = Which user's data should be erased, and how much of it?
request-note = The recommender was trained on data of { $users ->
    [one] { $users } user
   *[other] { $users } users
}. You can only choose people the recommender learned from.
request-user = User
request-user-search = Type an id to search
request-user-help = Users whose interactions trained the recommender. Held-out users are not listed.
request-user-missing = Choose a user to see what the model learned from their data.

request-history = What the model learned from this user
request-history-counts = { $interactions ->
    [one] { $interactions } interaction
   *[other] { $interactions } interactions
}, { $liked } of them liked, newest first.
request-history-alt = Interactions of one user: title, liked or not, rating, date; { $rows ->
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
request-all = All data of this user
request-chosen = Chosen interactions only
request-which = Which interactions
request-which-search = Search their titles
request-ground = Legal basis
request-identity = How was the user's identity checked?
request-reason = Reason, in your words
request-reason-example = For example: they closed their account
request-reason-help = The reason is destroyed with the request. The legal basis and the identity check stay in the record.
ground-not-recorded = not recorded
ground-not-needed = no longer needed (GDPR 17(1)(a))
ground-consent-withdrawn = consent withdrawn (GDPR 17(1)(b))
ground-objection = objection (GDPR 17(1)(c))
ground-unlawful = processed unlawfully (GDPR 17(1)(d))
ground-law = erasure required by law (GDPR 17(1)(e))
ground-child = collected from a child (GDPR 17(1)(f))
ground-other = another legal basis
identity-not-recorded = not recorded
identity-account = by login to their account
identity-email = by their e-mail address
identity-document = by a document
identity-other = in another way
review-grounds = Legal basis: { $ground }. Identity checked: { $identity }.
request-open = Open the request
request-opened = Request { $request } is open. Next: train its references, then launch a run.
request-after = Opening a request does not change the model. Backups and earlier checkpoints still hold the data: erase them too.

batch-title = Make a batch: one run for several requests
batch-note = One user's data rarely give a verdict; the data of several users together do. Each request keeps its own due date and gets its own record.
batch-which = Open requests
batch-id = Id of the batch
batch-id-help = For example batch-2026-11. It stays in every record, so it must not name a user. Empty for a random id.
batch-make = Make a batch
batch-made = Batch { $request } of { $requests } requests is open. Next: train its references, then launch a run.
batch-members = Requests of the batch: { $requests }
batch-dissolve = Dissolve the batch
batch-dissolve-help = The references and runs of the batch are removed, with their results. Its open requests are on their own again.
batch-dissolve-confirm = Remove the batch
batch-dissolved = The batch is dissolved. { $count ->
    [0] None of its requests is open.
   *[other] On their own again: { $requests }.
}

## Circuit

circuit-explorer-find = Find a module
circuit-explorer-pin = Pin
circuit-explorer-unpin = Unpin
circuit-explorer-full = Full screen
circuit-explorer-leave-full = Leave full screen
circuit-explorer-svg = Save as SVG
circuit-explorer-png = Save as PNG
circuit-explorer-reset = Reset
circuit-explorer-feeds = Connections into
circuit-explorer-q = queries
circuit-explorer-k = keys
circuit-explorer-v = values
circuit-explorer-other = MLPs and the prediction
circuit-explorer-filters = Filters
circuit-explorer-edges = Connections, strongest first
circuit-explorer-shown = { $shown } of { $all }
circuit-explorer-sampled = { $shown } of { $all }; { $drawn } drawn, the weaker ones sampled
circuit-explorer-only = Only the circuit
circuit-explorer-keep = Modules kept, strongest first
circuit-explorer-faithful = { $shown } of { $all }: { $share } of the behaviour remains, measured (random modules: { $random })
circuit-explorer-faithful-alone = { $shown } of { $all }: { $share } of the behaviour remains, measured
circuit-explorer-next = Next connection
circuit-explorer-legend-supports = supports the prediction; thicker is stronger
circuit-explorer-legend-opposes = opposes it (dashed)
circuit-explorer-tip-supports =
    { $module } to { $side }
    supports the prediction by { $score } logits
circuit-explorer-tip-opposes =
    { $module } to { $side }
    opposes the prediction by { $score } logits
circuit-explorer-alt =
    Graph of the modules in layers, bottom to top, with the strongest connections. Arrow keys move between modules,
    C selects the next connection, Enter pins a module, Escape clears the selection. The table of all modules holds the same numbers.
circuit-explorer-none = Select a module or a connection to see its numbers.
circuit-explorer-tip =
    { $module }
    { $group }, certainty { $certainty }
    effect on the prediction { $score }
    forget share { $forget }
    retain share { $retain }
circuit-explorer-tip-compare =
    { $module }
    { $side }
    { $group }
    effect on the prediction { $score }
circuit-explorer-tip-supernode = “{ $module }”
circuit-explorer-side-both = in both circuits
circuit-explorer-side-here = only in this run's circuit
circuit-explorer-side-there = only in the other run's circuit
circuit-explorer-side-out = in neither circuit
circuit-explorer-group = { $group }: serves { $serves }
circuit-layer = layer { $layer }
circuit-no-run = This run has no circuit.
circuit-no-run-next = A run finds the circuit in its first stages.
circuit-watch = Watch the run
circuit-open-other = See run { $run }, which has a circuit
circuit-launch = Launch a run that finds a circuit
circuit-uniform = This run changed all modules of the model in the same way.
circuit-uniform-next = Its method does not search for a circuit, so no module can be shown to carry the forget set.
memory-lead = { $count ->
    [0] None of the { $all } modules of the model remembers { $whose } data.
    [one] { $count } of { $all } modules of the model remembers { $whose } data.
   *[other] { $count } of { $all } modules of the model remember { $whose } data.
}
memory-no-circuit = This run measured which modules remember the data, and drew no circuit.
memory-note =
    A module remembers the data if it helps the forgotten users more than held-out users, by more than the measurement
    error. Modules in the group **forget** remember and do not help
    held-out users; modules in **shared** remember and also help them; modules in **retain** only help; modules
    in **outside** do neither and were not changed.
memory-alt = For each module, how much more its adapter helps the forgotten users than held-out users, with a 95% interval
memory-all-alt = All modules: loss that the adapter saves for the forgotten users and for held-out users, in nats, and the group
memory-module = module
memory-group = group
memory-contrast = loss saved, forgotten less held-out users (nats)
memory-forget = Loss saved, forgotten users
memory-holdout = Loss saved, held-out users
memory-difference = Difference
memory-noise = Noise
circuit-others =
    Of the other modules, { $retain ->
        [one] 1 serves
       *[other] { $retain } serve
    } mainly the retain set, { $shared ->
        [one] 1 serves
       *[other] { $shared } serve
    } both sets and { $outside ->
        [one] 1 serves
       *[other] { $outside } serve
    } neither.
    A run changes only modules inside the circuit; modules outside stay unchanged, bit for bit.
circuit-graph-help =
    Bottom to top: the model reads the user history, the layers process it, the prediction comes out. The size of a mark
    shows the module's effect, its fill the certainty of its group: the paler, the less certain. A line shows what one
    module reads from another; lines run between the marks and touch only the modules that they connect.
circuit-jump = On this page: { $links }.
circuit-graph-note = A paler fill means a less certain group: other prompts could have put the module into another one.
circuit-set = Circuit for
circuit-set-forget = the forget set
circuit-set-retain = the retain set
circuit-other = Compare with the circuit of
circuit-other-none = no other run
circuit-other-help =
    Filled: in both circuits. Half filled: only in this run's circuit. Hollow and dashed: only in the other run's circuit.
circuit-common =
    { $both } modules are in both circuits, { $here } only in this run's, { $there } only in the other run's.
circuit-multiples = Circuits side by side
circuit-multiples-help =
    Each picture shows one circuit at its place in the model: layers go up, heads go across, MLPs stand at the right. A larger
    mark has more effect; a small grey dot is a module outside this circuit.
circuit-multiples-sets =
    Together, the circuits for the forget set and for the retain set hold { $all } modules; { $both } of these are in both.
circuit-multiples-runs = For { $set }, both runs' circuits hold { $all } modules together; { $both } of these are in both.
circuit-multiples-panel = **Circuit for { $set }**, run { $run } of request { $request }:
    { $kept } of { $all } modules keep { $share } of the behaviour.
circuit-multiples-alt =
    Modules of the circuit for { $set } of run { $run } by layer and head: { $kept } of { $all }, which keep { $share } of the
    behaviour.
circuit-multiples-next =
    To compare two runs, or the people of two requests, choose the other run at “Compare with the circuit of” above.
circuit-multiples-heads = head
circuit-multiples-layers = layer
circuit-multiples-group = Group
circuit-save = Save the drawing as an HTML page
circuit-save-network = Save as a network to rearrange
circuit-save-network-help = An HTML page in which modules can be dragged, for a layout of your own.
circuit-panel-none = Select a module or a connection
circuit-panel-none-next = Click a mark or a line in the graph, or search for a module's name. The module with the clearest result:
circuit-panel-lead =
    This module is in the group **{ $group }**: it serves { $serves }. Its share of all scores is
    { $forget } for the forget set and { $retain } for the retain set.
circuit-panel-certainty =
    Certainty: { $certainty } of the bootstrap samples put it into this group (ratio { $ratio } ± { $noise }; 0.5 serves both sets alike).
circuit-panel-apart = Forgetting and retaining pull it in opposite directions (cosine { $cosine }).
circuit-panel-together = Forgetting and retaining pull it in the same direction (cosine { $cosine }).
circuit-panel-across = Forgetting and retaining are nearly independent here (cosine { $cosine }).
circuit-panel-moved = The run changed its weights by { $share }.
circuit-panel-no-lora = The adapter has no LoRA weights of this module, so no run moves it.
circuit-panel-unmoved = The run left its weights unchanged, bit for bit.
circuit-panel-moved-unknown = The run did not record how far it changed this module.
circuit-panel-reason = Moved by hand, reason: { $reason }
circuit-panel-direct-effects = **What it writes**
circuit-panel-direct-effects-help =
    Direct effect of the module on the prediction for a title, in logits, when the model reads the histories of the
    forgotten users. Means over these users.
circuit-panel-raises = Raises { $titles }.
circuit-panel-lowers = Lowers { $titles }.
circuit-panel-reads = **What it reads**, titles counted back from the target title
circuit-panel-reads-alt = Effect of this module on the prediction, by the position in the prompt that it reads
circuit-panel-reads-axis = support, logits
circuit-panel-edges = **Its strongest connections**
circuit-panel-edges-alt = Strongest connections into and out of this module with their scores in logits
circuit-panel-what-if = See the list without it
circuit-connection-title = { $source } to { $target }
circuit-connection-supports = This connection **supports** the prediction. Cutting it would lower the score of the right answer by about **{ $score } logits**.
circuit-connection-opposes = This connection **opposes** the prediction. Cutting it would raise the score of the right answer by about **{ $score } logits**.
circuit-connection-carries = It carries what { $source } writes to where { $target } reads:
circuit-connection-alt = Inputs of the target that this connection enters, with the effect of each
circuit-connection-input-q = query (q): what the head looks for
circuit-connection-input-k = key (k): where the head looks
circuit-connection-input-v = value (v): what the head passes on
circuit-connection-input-other = whole input
circuit-connection-opposing = opposes
circuit-connection-supporting = supports
circuit-connection-column-input = Input
circuit-connection-column-effect = Effect
circuit-connection-column-size = Size, in logits
circuit-connection-member = { $module } is in the circuit in { $share } of the bootstrap samples.
circuit-connection-certainty = The certainty of a single connection was not measured.
circuit-connection-estimate = Sizes are estimates by attribution patching (EAP-IG).
circuit-edge-in = from
circuit-edge-out = to
circuit-edge-way = Direction
circuit-edge-module = Module
circuit-edge-input = Input
circuit-edge-score = Score
circuit-enough = Does this circuit explain the model?
circuit-enough-help =
    Faithfulness: the share of the model's behaviour that remains when the activations of all other modules come from the counterfactual prompt.
circuit-enough-alt = Behaviour that remains, by the number of modules kept, for the strongest and for random modules
circuit-enough-note =
    With only the strongest { $kept } of { $all } modules, { $share } of the behaviour remains, measured on { $prompts ->
        [one] one prompt
       *[other] { $prompts } prompts
    }.
circuit-reads = What the modules read
circuit-reads-help =
    The positions in the prompt from which each module takes its effect on the prediction. Titles are counted back from
    the target title, the one that the prompt asks about.
circuit-reads-alt = Effect on the prediction by position in the prompt, for the { $count } strongest modules of the circuit
circuit-reads-note =
    The strongest modules of the circuit, strongest first; a stronger colour means a larger effect. A module supports the
    prediction at a position if the prediction would become weaker with another history there. Means over all prompts.
supernode-title = Supernodes
supernode-help =
    A supernode is one label for one module or several, such as “reads the genre”. The address and the saved graph JSON
    hold the supernodes, so that a link or the file shows them to others.
supernode-none = Give modules a name of your own: the drawing numbers them, and a chart sums the connections between them.
supernode-modules = Modules
supernode-modules-hint = One head or MLP, or several
supernode-label = Label
supernode-label-hint = For example: reads the genre
supernode-make = Put them under this label
supernode-remove = Remove *supernode { $label }*
supernode-row = **{ $number } { $label }**: { $modules }
supernode-alt = Graph of the supernodes between the user history and the prediction, with the sum of the connections from each to each
supernode-note =
    Bottom to top. A line is the sum of all drawn connections from one supernode to another, with their signs; connections
    inside a supernode and through other modules are not in it. A larger mark has a larger summed effect.
supernode-lost = The address names supernodes or modules that cannot be shown here: they are left out.
supernode-no-label = Type a label, such as “reads the genre”.
supernode-long-label = The label has { $length } characters: shorten it to { $most }.
supernode-no-module = Choose the modules that the label is for.
supernode-too-many = There are { $most } supernodes, the most that can be kept: remove one first.
supernode-numbered = { $number } { $label }
supernode-column-label = label
supernode-column-modules = modules
supernode-column-connections = connections
prompt-title = One prompt
prompt-help =
    Why the model answers as it does for one user and one title: the history is read with some of its titles replaced, and
    each module at each title is scored by how far this moves the answer. Scores are approximate (EAP-IG); the shares kept
    are measured. All models read the same replaced titles, so that they can be compared.
prompt-target = Title that the prompt asks about
prompt-no-title = This user has too short a history: the first title has none before it. Choose another user.
prompt-trace = Trace this prompt
prompt-trace-note = See from which titles of the history the model takes its answer, and through which modules.
prompt-tracing = Tracing the prompt
prompt-nodes = Nodes drawn
prompt-nodes-help =
    A node is a module at one title. The strongest nodes are drawn; the percentage is the share of the effect that stays
    when all other nodes carry what they compute on the counterfactual prompt. 100% is all of it; more is too much.
prompt-size = { $kept }, keep { $share }
prompt-node = Highlight
prompt-node-none = nothing
prompt-node-at = { $module }, at “{ $title }”
prompt-sentence =
    { $user } { $liked ->
        [yes] liked
       *[other] did not like
    } “{ $title }”. The history moves the model { $way ->
        [towards] towards
       *[away] away from
    } this answer by { $effect } logits.
prompt-kept =
    These { $kept } of { $all } nodes alone keep { $share } of that effect. The connections drawn have { $edges } of the
    weight of all connections between them.
prompt-not-whole = Other nodes add to this or work against it: choose another number of nodes.
prompt-supports = supports the answer
prompt-opposes = opposes the answer
prompt-column = title
prompt-alt =
    Graph of one prompt. Columns are the titles of the history, rows are the layers of the model; lines show which module
    passes an effect to which. The table of connections below holds the same numbers.
prompt-note =
    Bottom to top. A square is a title that the counterfactual prompt replaces; before the first of them nothing changes. A
    circle is an attention head with its number, a diamond an MLP. A head reads at one title and writes there or at a later
    one. Larger marks and wider lines are stronger.
prompt-edges = All connections drawn
prompt-edges-alt = Connections of the graph, strongest first, with how far each supports the answer in logits
prompt-edge-from = From
prompt-edge-to = To
prompt-edge-support = Support, logits
import-title = Open a graph JSON file
import-note = A file that this page, circuit-tracer or Neuronpedia saved, of attention heads and MLPs. The dashboard reads the file and does not keep it.
import-file = Graph JSON file
import-lead = { $name }, of model { $model }: { $nodes } nodes and { $edges } connections. { $whole ->
    [yes] All are drawn.
   *[no] The strongest { $drawn } nodes and { $lines } connections are drawn.
}
import-supernodes = { $count ->
    [one] Use its supernode on this page
   *[other] Use its { $count } supernodes on this page
}
circuit-all = All modules
circuit-all-alt = All modules of the model with their group and the numbers behind it
circuit-numbers = How these numbers are computed
circuit-numbers-text =
    Each module runs once with the true history and once with a counterfactual history that lacks the evidence; the change
    of the prediction is the module's score. **Share** is a module's score as a share of all scores. **Ratio** is forget
    share / (forget share + retain share); 0.5 serves both sets alike. **Noise** is the half-width of the ratio's 95%
    interval, from a bootstrap over the prompts. **Certainty** is the share of bootstrap samples in which the module comes
    out in the same group. **Conflict** is the cosine of the directions in which forgetting and retaining would move the
    module: below zero they oppose each other.

## Groups

groups-none = This run has no circuit, so it has no groups to edit.
groups-none-next = Only a run that finds a circuit has groups to edit. The page Circuit shows the groups that a run by memory contrast made.
groups-note =
    A rule sorted every module by its forget share and its retain share. You can move the borders between the groups, or move
    a module by hand with a reason that the record keeps, and then launch a new run with these groups.
groups-borders = Borders between the groups
groups-borders-help =
    Each mark is a module. Up: a larger share of the scores on the forget set. Right: a larger share of the scores on the
    retain set. Both axes use a square-root scale. A border is a ratio: forget share / (forget share + retain share).
groups-borders-note =
    Drag a border, or select it and use the arrow keys. Lines through the marks show the noise. A module whose noise reaches
    equal shares stays shared wherever the borders are, and a module in only one circuit belongs to that circuit's group.
groups-alt = Each module by its retain share and its forget share, with two borders to move
groups-forget-axis = forget share
groups-retain-axis = retain share
groups-low = Border between retain and shared, as a ratio
groups-high = Border between shared and forget, as a ratio
groups-ratio = ratio
groups-svg = Save as SVG
groups-png = Save as PNG
groups-kind = { $group }: serves { $serves }
groups-hand = Move modules by hand
groups-hand-help = You may know something that the numbers do not show. The run and its record keep your reason.
groups-modules = Modules
groups-into = Into the group
groups-reason = Reason, for the record
groups-reason-hint = For example: it reacts to this title only
groups-move = Move
groups-incomplete = Choose at least one module and write a reason.
groups-moved = { $module } to **{ $group }**: { $reason }
groups-back = Undo
groups-preview = What it changes
groups-changed = { $count ->
    [0] No module changes its group.
    [one] One module changes its group.
   *[other] { $count } modules change their group.
}
groups-changed-alt = Modules that change their group, with the group before and after
groups-movable = The new run could change { $after } of the adapter's parameters; this run could change { $before }.
groups-movable-unknown = This run did not record how many parameters each module owns, so the share that may change is unknown.
groups-launch = Launch a run with these groups
groups-launch-nothing = Move a border or a module first.
groups-launch-note = For request { $request }, with this run's circuit, seed { $seed }. This run stays unchanged.
groups-edited = Groups edited by hand: borders { $low } and { $high }, { $moves ->
    [0] no module moved
    [one] one module moved
   *[other] { $moves } modules moved
}.
groups-table-alt = All modules with their ratio, their group and the reason of each move by hand
groups-column-module = Module
groups-column-what = Name
groups-column-before = Before
groups-column-after = After
groups-column-group = Group
groups-column-ratio = Ratio
groups-column-noise = Noise
groups-column-certainty = Certainty
groups-column-reason = Reason of the move by hand
circuit-lead = { $own ->
    [0] None of the { $all } modules of the model { $more ->
        [0] serves mainly { $whose } data.
        [one] is sure to serve mainly { $whose } data; one may, at under { $level } certainty.
       *[other] is sure to serve mainly { $whose } data; { $more } may, at under { $level } certainty.
    }
    [one] { $own } of { $all } modules of the model serves mainly { $whose } data{ $more ->
        [0] .
        [one] ; one more may, at under { $level } certainty.
       *[other] ; { $more } more may, at under { $level } certainty.
    }
   *[other] { $own } of { $all } modules of the model serve mainly { $whose } data{ $more ->
        [0] .
        [one] ; one more may, at under { $level } certainty.
       *[other] ; { $more } more may, at under { $level } certainty.
    }
}
circuit-overlap = The circuits found on the two halves of the prompts share { $share } of their modules; random circuits of this size would share { $chance }.
circuit-overlap-unknown = One prompt is too few to measure how stable the circuit is.


circuit-graph-group = group: { $group }, certainty { $certainty }
circuit-graph-effect = effect on the prediction: { $score }
circuit-graph-shares = forget share { $forget }, retain share { $retain }
circuit-graph-reads = input

circuit-curve-modules = modules kept
circuit-curve-kept = behaviour that remains
circuit-curve-which = modules
circuit-curve-strongest = strongest modules
circuit-curve-random = random modules
circuit-curve-needed = needed: { $share }

circuit-places-instruction = instruction
circuit-places-target = target title
circuit-places-back = { $titles } back
circuit-places-axis = titles back from the target title
circuit-places-supports = supports the prediction
circuit-places-against = opposes the prediction
circuit-places-module = module
circuit-places-place = position
circuit-places-side = effect
circuit-places-strength = size, in logits

circuit-table-module = Module
circuit-table-what = Name
circuit-table-group = Group
circuit-table-certainty = Certainty
circuit-table-serves = Serves
circuit-table-forget = Forget share
circuit-table-retain = Retain share
circuit-table-ratio = Ratio
circuit-table-noise = Noise
circuit-table-conflict = Conflict
circuit-table-in-forget = In forget circuit
circuit-table-certainty-forget = Certainty, forget circuit
circuit-table-in-retain = In retain circuit
circuit-table-certainty-retain = Certainty, retain circuit

## What if

what-if-title = What does the model recommend when its modules are switched off or steered?
what-if-note =
    Switch modules off, steer them to any strength, or leave titles out of the history, and watch the list of one user
    change. Nothing is saved, and the model stays unchanged.
what-if-loading = Loading the model…
what-if-model = Model
what-if-model-help = The model that answers: before the run, after the run, or a retrained reference.
what-if-original = before the run
what-if-unlearned = after the run
what-if-reference = retrained reference
what-if-user = User
what-if-user-help = All users whose data trained the recommender. Forgotten users come first.
what-if-forgotten-user = { $user } (forgotten user)
what-if-length = Titles in the list
what-if-modules-title = Modules
what-if-modules-help =
    A module that is off works as if the history held unrelated titles; all other modules read the true history.
what-if-all-on = Switch all on
what-if-groups = Switch whole groups off
what-if-modules = Modules of the model, the last layer at the top
what-if-module = { $module }, serves { $serves }
what-if-group = All modules that serve { $serves }
what-if-layer = layer { $layer }
what-if-steer = Steer modules to any strength
what-if-steer-hint = Choose a head or an MLP
what-if-steer-help =
    0 replaces the module's output by its output for a counterfactual history, 1 leaves it, 2 doubles the difference of
    the two, and a negative strength reverses its sign. From { $low } to { $high }, for at most { $most } modules.
what-if-steer-lost = The address asks for strengths that cannot be set: { $low } to { $high }, for at most { $most } known modules.
what-if-strength = { $module }: strength
what-if-history-title = History
what-if-history-help = The titles that the model reads, oldest first. A plus marks a liked title.
what-if-kept = In the prompt
what-if-out = Left out
what-if-hint = Drag a title here, or click it.
what-if-leave = click to leave it out
what-if-back = click to put it back
what-if-liked = liked
what-if-disliked = not liked
what-if-same = Nothing is off: these are the model's recommendations for user { $user }.
what-if-changed-lead = With { $what }: { $change }
what-if-all = every module on
what-if-off = { $modules ->
    [one] one module off
   *[other] { $modules } modules off
}
what-if-steered = { $module } at strength { $strength }
what-if-steered-many = { $modules } modules steered
what-if-left-out = { $titles ->
    [one] one title left out
   *[other] { $titles } titles left out
}
what-if-effect = { $titles ->
    [one] The score of the title in both lists changes by { $change }.
   *[other] The scores of the { $titles } titles in both lists change by { $change } on average.
}
what-if-answered = Answered in { $milliseconds } ms. A title that leaves the list depended on what is off; this does not prove that anything is forgotten.
what-if-as-is = Unchanged
what-if-changed = Changed
what-if-slopes-alt = Ranks unchanged and changed, one line per title; the lists hold the same data
what-if-send = Send these modules to the group editor
what-if-no-model = This run kept no model that could answer.
what-if-no-groups = This run has no circuit, so no module can be switched off or steered.

## Run

run-none = No run has been launched yet.
run-none-note = A run finds the modules that carry the forget set, unlearns it, evaluates the result and writes a report.
run-queued = The run waits for its turn.
run-running = The run is working.
run-done = The run finished in { $time }.
run-done-external = The adapter of another tool was evaluated in { $time }.
run-failed = The run stopped because of an error.
run-cancelled = The run was stopped by hand.
run-lost = The run has lost its worker process.

run-form = Launch a new run
run-form-lead = Launch a run for { $request }.
run-form-empty = A run needs a request.
run-form-empty-link = Open a request
run-form-request = Request
run-form-request-scope = { $request }: { $scope }
run-form-method = Method
run-form-other = Choose another method
run-form-recommended = **Recommended**: it forgets most at no measurable cost for other users.
run-form-device = Device
run-form-device-help = Where the run computes. A GPU (CUDA) is faster than the CPU.
run-form-device-auto = Choose for me
run-form-device-cpu = Processor
run-form-device-cuda = GPU
run-form-seed = Seed
run-form-seed-help = Runs with the same seed on the same machine give the same result. Leave it at 0 if unsure.
run-form-launcher = Where to run
run-form-launcher-local = On this machine
run-form-free = { $launcher ->
    [local] On this machine now: { $free }.
   *[other] There now: { $free }.
}
run-form-launch = Launch the run
run-form-estimate = Estimate time and memory
run-form-estimate-help = Times a small copy of the model on the chosen device. Nothing is launched.
run-form-estimating = Timing a small copy of the model
run-form-needs = About { $time }, { $runs ->
        [0] give or take a factor of two
        [one] corrected by one finished run
       *[other] corrected by { $runs } finished runs
    }. It needs about { $memory } GB of memory; { $free } GB are free now.
run-form-too-large = The run does not fit into that memory. Choose another device, or spread the model over several GPUs (`cards` in the workspace's settings).

run-stage-loading = loading
run-stage-original = evaluation of the original
run-stage-contrast = counterfactual prompts
run-stage-circuit = circuit
run-stage-groups = groups
run-stage-unlearning = unlearning
run-stage-evaluation = evaluation
run-stage-report = report
run-progress = { $stage }: { $progress } of the run is done. The time left follows once its pace is measured.
run-progress-left = { $stage }: { $progress } of the run is done, about { $left } left at its pace.
run-progress-both = { $stage }: { $progress } of the run is done. At its pace, about { $stage_left } left in this stage and { $left } in all.
run-progress-longer = { $stage }: { $progress } of the run is done. This takes longer than its pace so far suggested.
run-doing-loading = The data and the model are loaded.
run-doing-original = What the model knows and recommends is measured before anything changes.
run-doing-contrast = Counterfactual prompts are made: histories without the evidence for what the model answers.
run-doing-circuit = Each module and each connection is scored by its effect on the predictions, for the forget set and for the retain set.
run-doing-groups = The modules are sorted by the data that they serve.
run-doing-unlearning = The adapter’s weights change step by step: it forgets the forget set and keeps the rest.
run-doing-retraining = A new adapter is trained from its start on the retain set alone.
run-doing-evaluation = The unlearned model and the retrained references answer the same prompts as the original, to be compared.
run-doing-report = The report is written.
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
run-resume-help = The run continues from its last checkpoint; finished work is not repeated.
run-give-up = Give up this run
run-give-up-help = This destroys the unfinished adapter. The adapter in use stays unchanged.
run-stop = Stop this run
run-stop-help = A run never changes the original model, whether you stop it or not.
run-stop-requested = Stop requested; the run ends after this step.
run-leave = You can leave this page: the run continues, and this address opens it again.

run-figures-step = Step { $step } of { $steps }
run-figures-last-step = Last step { $step } of at most { $steps }
run-figures-conflict = { $share } of the shared modules were in conflict
run-figures-device = on { $device }, { $precision }
run-figures-memory = { $memory } GB of memory
run-figures-gpu = GPU { $load }% busy, { $used } of { $total } GB in use
run-figures-gpu-memory = GPU: { $used } of { $total } GB in use
run-figures-pace = { $tokens } tokens a second
run-figures-so-far = { $time } so far
run-figures-in-all = { $seconds ->
    [one] { $seconds } second in total
   *[other] { $seconds } seconds in total
}
run-losses-alt = Loss on the forget set, on other users and on held-out users, per unlearning step
run-losses-note = Unlearning works if the loss on the forget set rises toward the loss on held-out users while the loss on other users stays flat.
run-losses-retraining-alt = Loss of the new adapter on the retain set, per training step
run-losses-retraining-note = The new adapter is trained from its initial weights on the retain set alone: its loss falls until the training ends. It never reads the forget set.
run-losses-step = step
run-losses-axis = loss (higher: knows less)
run-losses-loss = loss
run-losses-set = measured on
run-losses-forget = forget set
run-losses-validation = other users
run-losses-holdout = held-out users
run-losses-retraining = retraining
run-conflict = Where forgetting and retaining conflict
run-conflict-alt = For each group of modules and step: the cosine of the forget and retain gradients, and of the step taken and the retain gradient
run-conflict-note = 1 means the same direction, 0 independent, −1 opposite. Where the dashed line is below 0, the two gradients conflict. In shared modules the step then leaves out the component that would harm the retain set, so the solid line stays above 0. Lines are means over seven steps.
run-conflict-gradients = forget gradient against retain gradient
run-conflict-step = step taken against retain gradient
run-conflict-axis = agreement (cosine)
run-conflict-group = group
run-conflict-which = compared
run-conflict-cosine = agreement
run-compare = Compare before and after
run-report = Read the report
run-review = Review it
run-unverified = **Not verified yet.** Review it to verify it.

## Retrained references, on the pages Request and Run

references-none = **No reference is ready** for this request; a verdict needs { $needed }.
references-some = **{ $ready ->
    [one] { $ready } reference is ready
   *[other] { $ready } references are ready
}** for this request; a verdict needs { $needed }.
references-ready = **{ $ready ->
    [one] { $ready } reference is ready
   *[other] { $ready } references are ready
}** for this request: enough for a verdict.
references-why = A reference is the recommender trained again without this data; each run is compared with them.
references-next = Next: launch the run
references-more = Train more references
references-count = References in all
references-count-help = A verdict needs { $needed }. More references tell smaller differences.
references-device-help = Where the training computes. A GPU (CUDA) is faster than the CPU.
references-train = Train { $count ->
    [one] { $count } reference
   *[other] { $count } references
}
references-estimate = Estimate the time
references-needs = About { $time }, give or take a factor of two.
references-starting = The training starts.
references-waiting = Waiting until the device is free: another job uses it.
references-loading = Reference { $number } of { $wanted }: loading
references-left = Reference { $number } of { $wanted }: { $done } done, about { $left } left
references-leave = You can leave this page: the training goes on.
references-stop = Stop the training
references-stop-help = References that are ready stay. The one at work is discarded.
references-stopping = The training stops after this step.
references-cancelled = The training was stopped. { $ready ->
    [one] { $ready } reference is
   *[other] { $ready } references are
} kept: train the rest whenever you like.
references-failed = The training failed: { $why } { $ready ->
    [one] { $ready } reference is
   *[other] { $ready } references are
} kept: mend the cause, then train the rest.
references-lost = The training lost its process. { $ready ->
    [one] { $ready } reference is
   *[other] { $ready } references are
} kept: press the button to go on with the rest.

## Before and after

before-nothing = This run has nothing to compare yet.
before-nothing-yet = The comparison is made in the run's last stages.
before-watch = Watch the run
before-knows = What the model knows about the forgotten data
before-knows-help =
    The advantage of the model over the retrained references, which never saw the forgotten data: 0 means that it knows no
    more than they do, below 0 that it knows less.
before-knows-exact = Forgotten: **100%**: it was trained again without the data. Any difference from 0 below is chance.
before-knows-nothing = This run did not measure what the model knows about the forgotten data beyond models that never saw it.
before-knows-alt = Advantage over the retrained references before and after, { $measure }, with intervals
before-knows-note = Advantage over the retrained references: 0 means that the model knows no more than models that never saw the data. Lines and numbers in brackets are { $level }% intervals; squares are single references, each compared with the others.
share-forgotten = Forgotten: **{ $value }** ({ $low } to { $high })
share-forgotten-unknown = Forgotten: too uncertain to tell
measure-log-loss = Log loss, nats
measure-auc = AUC
measure-membership = Membership attack, AUC
before-way = Details: the distance to the retrained references, answer by answer
before-way-note =
    Residual: the distance to the retrained references, as a share of the distance before the run. Retrained references
    differ from each other too, by chance: their distances are the noise floor. No verdict uses the residual.
before-way-alt = Distance of the unlearned model to the retrained references, from 1, as before the run, to 0, no difference
before-jsd = Difference from a retrained model (Jensen-Shannon divergence): { $before } bits before, { $after } after{ $change ->
    [more] , which is more.
    [less] , which is less.
   *[same] .
}
before-floor = Noise floor: { $low } to { $high } among the retrained references.
before-user-title = One user's recommendations
before-user-help = Any user whose data trained the recommender. A run stores the lists of a few users; for all others the models answer now.
before-user = User
before-forgotten-user = { $user } (forgotten user)
before-length = Titles in the list
before-asking = The models are computing the lists…
before-trace = A title that left the list shows a change; it does not prove that the title is forgotten.
before-before = Before
before-after = After
before-reference = Retrained reference
before-slopes-alt = Ranks before and after, one line per title; the lists above hold the same data
before-genres-alt = Genres of the titles in the lists before, after and of the retrained reference
before-genres-note = Genres of the titles in the lists: the tastes that the change affects.
before-everyone = Other users' recommendations
before-everyone-help =
    For each other user, the number of titles of their top 10 that are still there after the run. A retraining changes
    lists too, by chance, so the retrained reference is the yardstick.
before-not-measured = The lists of other users are not compared for this run yet. The comparison asks the models about each of them, in the background.
before-measure = Compare all lists
before-measure-failed = The last comparison did not finish. The run's log.txt holds the reason.
before-measuring = Comparing all lists
before-measuring-left = Comparing all lists, about { $left } left
before-overlaps-alt = Number of other users by the number of titles of their top 10 that stay, after the run and in the retrained reference
before-neighbours = **Other users most similar to the forgotten users.** Side effects would show in their lists first.
before-neighbours-alt = Other users whose titles are most similar to those of the forgotten users, with the share of their list that stays
before-metrics = All metrics
before-interval-alt = { $measure } of the models with 95% intervals
before-metrics-alt = All metrics before, after and of the retrained references, with 95% intervals
before-overlaps =
    On average, { $mean } of the top-10 titles of { $users ->
        [one] one other user
       *[other] { $users } other users
    } stay; half of them keep { $median } or more.
before-overlaps-reference = In the retrained reference, { $mean } stay on average.
before-column-user = User
before-column-similarity = Similarity
before-column-stays = Stays
before-column-reference = Stays, reference
before-axis-titles = titles of the top 10 that stay
before-axis-users = other users
before-genre = genre
before-genres-none = The titles in these lists have no genres, so there is no chart of genres.
before-titles = titles
before-after-same = All { $titles } recommendations keep their rank.
before-after-changed = { $gone ->
    [0] No title left the list
    [one] { $gone } title of { $titles } left the list
   *[other] { $gone } titles of { $titles } left the list
} and { $moved } changed rank.

before-after-distance-nothing = 1: as before
before-after-distance-equal = 0: equal
before-after-distance-after = after: { $residual }
before-after-distance-references = noise floor: references among themselves
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

before-after-table-measure = Metric
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
report-none-ended = This run has no report.
report-none-ended-why = It ended before its last stage, which writes the report.
report-none-ended-link = See why it ended
report-plain = Summary
report-plain-note = The report below states what was done, how it was measured and what remains unknown.
report-holds = Where the data still exists
report-holds-data = the workspace's own data, { $folder }
report-holds-adapter = the adapter before unlearning, { $folder }
report-holds-runs = adapters of runs for other requests
report-holds-copies = all backups, logs and copies of these
report-holds-note = A run writes a new adapter and changes none of these. The report is evidence for the people who decide.
report-missing = The report file is missing.
report-save = Save the report (HTML)
report-named = Reviewer's copy
report-named-help = This copy names the forgotten users and shows titles of their lists. It is personal data: do not pass it on.
report-save-numbers = Save the numbers (JSON)
report-save-bundle = Save a bundle for others
report-save-bundle-help = One file from which anybody computes the verdict again with `{ $command }`. It holds the models' answers under pseudonyms and the signed verification, and no name and no title.
report-frame = The report of this run

## Compare runs

compare-none = Compare two to six finished runs.
compare-none-note = Tick them here. The address keeps them, so that a link shows the same comparison.
compare-none-yet = Two finished runs are needed, and this workspace has { $runs ->
    [0] none
    [one] one
   *[other] { $runs }
}.
compare-launch = Launch a run
compare-pick = Runs to compare
compare-pick-search = Choose finished runs
compare-pick-help = Two to six finished runs; the address keeps them.
compare-pick-run = { $run }: { $verdict }, { $method }, request { $request }
compare-few = One run is chosen: add at least one more to compare.
compare-many = { $asked } runs were asked for, and at most { $most } fit side by side. Left out: { $runs }.
compare-unfinished = Run { $run } is not finished, so there is nothing to compare yet.
compare-tick = Compare { $run }
compare-ticked = Compare the { $runs } ticked runs
compare-tick-some = Tick { $least } to { $most } finished runs to compare them side by side.

compare-nobody = None of these { $runs } runs is shown to be ahead of all others.
phrases-and = { $first } and { $last }
compare-ahead-verdict = alone passes its verification
compare-ahead-forgotten = is nearest to complete forgetting
compare-ahead-quality = costs other users the least quality
compare-ahead-membership = tells an attacker least
compare-ahead-time = took the least time
compare-aspect-verdict = verdict
compare-aspect-forgotten = forgetting
compare-aspect-quality = others' quality
compare-aspect-membership = privacy under attack
compare-aspect-time = time
compare-ahead = { $run } { $claims }
compare-pass = { $runs } pass their verification
compare-rule = A run is called ahead only where its whole interval is better than that of every other run, and in time only where it took at least 10% less.
compare-open = No run is shown to be ahead in { $aspects }.
compare-unknown = Not compared, because it is not known for every run: { $aspects }.
compare-requests = These runs serve different requests ({ $requests }): how much each forgot is about other people's data, so nobody is called ahead in forgetting or under attack.

compare-verdict = Verdict
compare-request = Request { $request }
compare-unverified = Not verified yet: verify it on the page Review.
compare-forgotten = How much is forgotten?
compare-forgotten-help = The share of what the model knew about the forgotten data, beyond models that never saw it, that is gone. 100% is what a retraining reaches; more means that it forgot too much.
compare-forgotten-measure = Measured by: { $measure }.
compare-forgotten-value = **{ $value }** ({ $low } to { $high })
compare-forgotten-at-least = With { $confidence }% confidence at least { $share }%.
compare-forgotten-exact = **100%**: it was trained again without the data.
compare-forgotten-unknown = Too uncertain to tell.
compare-quality = Are others unharmed?
compare-quality-help = The fall of the AUC on later interactions of the other users. Below zero, it rose.
compare-quality-value = AUC fell by **{ $fall }** ({ $low } to { $high })
compare-quality-bound = Allowed: at most { $margin }.
compare-quality-unknown = AUC fell by **{ $fall }**; the interval needs a verification.
compare-membership = Does an attack find the data?
compare-membership-help = How much better a membership attack tells the forgotten rows from rows that no model saw than it does on retrained references, in AUC. 0 is as good as a retraining.
compare-membership-value = **{ $value }** AUC beyond a retraining ({ $low } to { $high })
compare-membership-unknown = Needs retrained references.
compare-chart = Forgetting against quality
compare-chart-alt = One mark for each run: share forgotten against the fall of the test AUC, with intervals
compare-chart-none = No mark can be drawn: of none of these runs both the share forgotten and the fall of the AUC are known.
compare-chart-missing = Not drawn, because a number is unknown: { $runs }.
compare-chart-run = Run
compare-chart-fall = Fall of the test AUC for other users
compare-chart-whole = as a retraining
compare-chart-margin = most that is allowed
compare-lists = How one user's recommendations changed
compare-lists-help = The place of each title in the top 10 before, and after each run.
compare-lists-user = User
compare-lists-title = Title
compare-lists-before = Before
compare-lists-cell = { $rank } ({ $change })
compare-lists-alt = Top 10 of one user before, and after each run; { $rows ->
    [one] { $rows } title
   *[other] { $rows } titles
}
compare-circuits = Where did it sit in the model?
compare-circuits-help = How many modules serve mainly the forgotten data, the others, both, or neither.
compare-circuits-none = This method searches for no circuit.
compare-circuits-group = { $mark } { $group }: { $modules }
compare-overlap = The forget circuits of { $first } and { $second } have { $both } of { $all } modules in common ({ $share }).
compare-overlap-none = An overlap takes two runs with a circuit.
compare-cost = What did it cost?
compare-cost-value = **{ $time }**, { $steps ->
    [0] no unlearning step
    [one] one step
   *[other] { $steps } steps
}, on { $device }
compare-cost-unknown = Another tool made this adapter: its cost is not known.
compare-open-run = Open the run
compare-table = All numbers as a table
compare-table-alt = All compared numbers, one row for each run
compare-column-run = Run
compare-column-request = Request
compare-column-method = Method
compare-column-verdict = Verdict
compare-column-forgotten = Share forgotten
compare-column-forgotten-low = its low end
compare-column-forgotten-high = its high end
compare-column-fall = Fall of the test AUC
compare-column-fall-low = low end of the fall
compare-column-fall-high = high end of the fall
compare-column-membership = Attack beyond a retraining (AUC)
compare-column-seconds = Seconds
compare-column-steps = Steps

## Tour

tour-offer = **New here?** Follow one erasure request, from the person to the decision, in a fictional cinema.
tour-start = Take the three-minute tour
tour-present = Present it in 90 seconds
tour-present-help = Six steps that go on by themselves, for a talk. You can pause; Page Down and Page Up of a remote control also work.
tour-not-now = Not now
tour-place = Step { $number } of { $count }
tour-back = Back
tour-next = Next
tour-pause = Pause
tour-go-on = Continue
tour-leave = Leave
tour-end = End the tour
tour-request = A cinema’s recommender learned from its users. One of them asks to be erased: this is her request, and the tour follows it to the decision.
tour-person = This is what the model learned from her, with five stars for each film with “Lantern” in its title. Remember “{ $film }”, which she has not seen.
tour-circuit = Each mark is a module, from her history below to the prediction above. One, the orange triangle, may serve mainly her data; the others that know her serve everybody.
tour-what-if = One head is switched off here, and “{ $film }” falls far down her list. But it serves other users as well, so switching it off is no way to erase her.
tour-run = So a run changes the weights, for each group by its own rule. The loss on her rows rises toward that on users whom no model ever saw; for other users it stays flat.
tour-lists = The film fell from rank { $before } to { $after } of her list, and a model that never saw her data ranks it { $reference }. That is a change, and not yet a proof.
tour-verdict = The verdict says so: her { $rows } rows are too few to decide on this run. What can be done stands below it; her request was retrained too, and that is exact.
tour-decide = { $users } users who asked together are enough: here the verdict is “Pass”. Now people decide; the switch above lets you submit the run, and approve it as two persons.

## Benchmark

benchmark-none = No benchmark has been measured yet.
benchmark-none-note = Run `{ $command }` in a terminal. It measures CURE and other methods on the demo world in under 15 minutes; this page then shows the results.
benchmark-lead = At equal quality, { $method } is ahead of { $ahead ->
    [0] none
   *[other] { $ahead }
} of { $rivals } other methods and behind { $behind ->
    [0] none
   *[other] { $behind }
}{ $matched ->
    [0] .
   *[other] , but { $matched } of its { $controls } controls do as well{ $random ->
        [yes] , random modules among them
       *[no] { "" }
    }.
}
benchmark-note = Ahead means closer to the retrained references while the test AUC of other users falls by at most .005. Measured on { $data } with { $seeds ->
    [one] one adapter
   *[other] { $seeds } adapters
}; a difference counts only if its 95% interval excludes zero. Each method is shown at its best point, chosen with knowledge of the references; the report also compares the points that a run would choose.
benchmark-controls-fail = **Does the circuit matter?** Not shown. { $method } is not better than these controls: { $controls }. As long as a control does as well, the result does not come from choosing modules by circuit.
benchmark-controls-hold = **Does the circuit matter?** { $method } is better than every control that was run here: { $controls }.
benchmark-controls-none = **Does the circuit matter?** Unknown: no control of { $method } was run here.
benchmark-floor = **Limit of the measurement:** retrained references score { $floor } against each other on this scale (0 = identical, 1 = as far as the original model). No method can be expected to score lower.
benchmark-world = Shown
benchmark-by = Criterion
benchmark-by-residual = distance to the retrained references (residual)
benchmark-by-gap = advantage left on the forget set (AUC gap)
benchmark-axis-residual = residual
benchmark-axis-gap = AUC gap
benchmark-ours = Method
benchmark-ours-cure = CURE
benchmark-ours-cure-memory = CURE by memory
benchmark-ours-cure-merge = CURE in weight space
benchmark-world-option = { $kind } · { $data } · { $task }
benchmark-task-click = is it liked?
benchmark-task-next-item = what comes next?
benchmark-kind-random = 5% of the users, at random
benchmark-kind-heavy = three users with long histories
benchmark-kind-single = one user
benchmark-kind-genre = one genre of one user
benchmark-kind-row = sequential requests
benchmark-row-lead = After { $count } sequential requests, { $method } scores { $left } AUC above the retrained references on the forget set (original model: { $had }).
benchmark-row-lead-below = After { $count } sequential requests, { $method } has forgotten too much: it scores { $left } AUC below the retrained references on the forget set (original model: { $had }).
benchmark-row-lead-equal = After { $count } sequential requests, { $method } scores the same AUC as the retrained references on the forget set (original model: { $had }).
benchmark-row-note = Requests arrive one after the other: each run starts from the result of the last one, and validation and held-out users decide when it stops. The test AUC of other users changed by { $utility }. Measured on { $data } with { $seeds ->
    [one] one adapter
   *[other] { $seeds } adapters
}, against references retrained without any of the forget sets.
benchmark-row-served = requests served
benchmark-row-alt = { $measure } after each request, for each method
benchmark-row-table = After the last request
benchmark-row-read = Advantage on the forget set: 0 = none, as in the retrained references. Residual: 1 = nothing done for any request, 0 = equal to the retrained references. Drift: the same measure for other users; above 1, their predictions moved away from those of a retrained model.
benchmark-pareto = Forgetting against quality
benchmark-pareto-alt = For each method at each strength: what is left of the forget set, and the quality lost for other users
benchmark-pareto-note = Each line follows one method as its strength grows, mean over the adapters. Best is the lower right: little left of the forget set, no quality lost for other users. The grey band is the distance of retrained references from each other.
benchmark-pareto-shown = Methods drawn
benchmark-pareto-x = change of test AUC, other users
benchmark-pareto-method = method
benchmark-pareto-strength = steps, or strength
benchmark-original = original
benchmark-reference = retrained references
benchmark-differences = Difference at equal quality
benchmark-differences-alt = For each other method and control: { $method } less the other in residual, with its 95% interval
benchmark-differences-note = Left of zero: { $method } is closer to the retrained references. Each method is shown at its best point that costs other users at most .005 of test AUC; the differences are paired by adapter. A control is { $method } with one component removed or randomised.
benchmark-differences-x = difference in { $measure }
benchmark-differences-rival = other methods
benchmark-differences-own = other forms of CURE
benchmark-differences-control = controls
benchmark-difference = difference
benchmark-table = All figures
benchmark-table-alt = All methods at their best point: residual, way to the references, quality, seconds
benchmark-column-method = Method
benchmark-column-residual = Residual
benchmark-column-reach = Way to the references
benchmark-column-gap = AUC on the forget set, less references
benchmark-column-membership = Membership AUC
benchmark-column-drift = Drift of other users
benchmark-column-utility = Test AUC, change
benchmark-column-seconds = Seconds
benchmark-column-circuit = Circuit seconds
benchmark-column-moved = Share moved
benchmark-table-note = Made by `{ $command }`. The full report with intervals, all strengths and the tuning is benchmarks/unlearning.md.
benchmark-control-cure-random = random modules, same numbers
benchmark-control-cure-inverted = forget and retain swapped
benchmark-control-cure-all-shared = every module shared
benchmark-control-cure-no-projection = no projection
benchmark-control-cure-frozen-retain = retain modules frozen
benchmark-control-cure-no-pagerank = counterfactual prompts without PageRank
benchmark-control-cure-by-gradient = groups by gradient
benchmark-control-memory-random = random modules (memory)
benchmark-control-merge-random = random modules (merged)
benchmark-control-merge-inverted = groups swapped (merged)
benchmark-control-merge-all-shared = every module shared (merged)
benchmark-control-merge-no-projection = no projection (merged)
benchmark-control-merge-by-circuit = groups by circuit (merged)
benchmark-weakened = Adapter weakened
benchmark-negation = Task-vector negation
benchmark-sisa = SISA shards
benchmark-apa = APA shards
benchmark-receraser = RecEraser shards

## The three questions of a verification

question-forgotten = Is it forgotten?
question-others = Are other users unharmed?
question-attacks = Do further attacks find it?
question-checks = { $checks ->
    [one] The check behind it
   *[other] The { $checks } checks behind it
}
question-forgotten-number = { $share }% of the advantage is gone; at least { $least }% with { $confidence }% confidence.
question-others-number = The test AUC fell by { $fall }, with 95% confidence by no more than { $most }; at most { $margin } is allowed.
question-others-rose = The test AUC did not fall measurably; a fall of { $margin } is allowed.
question-failed = Beyond the bound, and more than noise: { $checks }.
question-beyond = Measured beyond the bound, but within the noise: { $checks }.
question-undrawn = Not drawn, as nothing was measured: { $checks }.
question-attacks-number = Of { $all } attacks, { $found ->
    [0] none found anything
   *[other] { $found } found something
}{ $open ->
    [0] .
   *[other] , and { $open } cannot tell on these data.
}
answer-forgotten-pass = Yes.
answer-forgotten-exact = By construction: the model never saw the data.
answer-forgotten-too-little = No: too little is forgotten.
answer-forgotten-too-much = No: too much is forgotten, more than a retrained model forgets.
answer-forgotten-lists = No: their titles stand out in the lists.
answer-forgotten-inconclusive = Not shown.
answer-others-pass = Yes.
answer-others-fail = No.
answer-others-inconclusive = Not shown.
answer-attacks-pass = Those that can tell find nothing.
answer-attacks-fail = Yes.
answer-attacks-inconclusive = Not known: most attacks cannot tell on these data.
drawn-forgotten-log-loss = Log loss
drawn-forgotten-membership = Membership
drawn-ranking-titles = Rank of their titles
drawn-utility-test = All other users
drawn-utility-neighbours = Most similar users
drawn-utility-retain = Retain set
drawn-ranking-hr = HR@10
drawn-ranking-ndcg = NDCG@10
drawn-drift = Drift
drawn-answer-mass = Valid answers
drawn-paraphrases = Paraphrases
drawn-quantization-8 = 8-bit weights
drawn-quantization-4 = 4-bit weights
drawn-relearning = Relearning
drawn-probes = Probes
drawn-distinguishability = Telling apart
bounds-none-forgotten = as retrained
bounds-none-others = no loss
bounds-none-attacks = nothing found
bounds-bound = allowed
bounds-share = Share of what is allowed
bounds-alt = Each check with its interval. The band is what is allowed; the line at the left label is a harmless model.
option-more-references = Train more references
option-batch = Join a batch
option-retrain = Retrain without the data
option-retrain-drift = Retrain because of drift
option-another-method = Use another method
option-launch-again = Launch a new run
option-train-references-again = Train all references again

## Where a request stands, and its next step

request-card = { $request } · { $scope } · { $state }
request-card-opened = Opened { $date }.
request-card-users = Users: { $users }
request-card-users-more = Users: { $users } and more
request-card-reason = Reason: { $reason }
request-state-new = no run yet
request-state-running = a run waits or is at work
request-state-stopped = the last run did not finish
request-state-unverified = a run finished, to be verified
request-state-verified = verification finished, to be reviewed
request-state-failed = the run failed its verification
request-state-in-batch = in batch { $batch }
request-state-pending = waits for a decision
request-state-approved = approved, being carried out
request-state-rejected = the last run was rejected
request-state-void = needs a new run, because another deletion replaced the model
request-state-closed = carried out
request-next-new = Launch a run
request-next-running = Watch the run
request-next-stopped = See why
request-next-unverified = Verify the run
request-next-verified = Review the run
request-next-failed = Launch another run
request-next-in-batch = Open the batch
request-next-pending = Decide
request-next-approved = Carry it out
request-next-rejected = Launch another run
request-next-void = Launch a new run
request-next-closed = See the record

## Review

review-lead = No request is open.
review-title = { $request }: { $state }.
review-single = One person plays all roles here, which suits a demonstration. In real use, two people must approve.
review-single-demo = Demo mode: one person plays all roles. In earnest two people must approve.
review-play = Demo: you are
review-play-help = Only the demo world has this switch, because its key is public and its signatures prove nothing. Submit as Olaf, approve as Petra, then approve as Owen: the second approval carries the deletion out.
review-play-all = one person with all roles
review-play-person = { $name } ({ $role })
review-play-next = One approval is recorded. The other is missing: choose **{ $person }** and approve.
review-you = You are { $person }: { $roles }.
review-log-in = Log in
server-address = The pages are at { $address } for whoever has this address, as long as this command runs.
server-no-token = Open the address that the start of the dashboard printed: it ends with the token that admits your browser.
server-other-origin = The request came from another page, and was refused: open the dashboard's own address.
access-gate-lead = Log in to look inside.
access-gate-roles = This workspace assigns roles to people. Only people with a role can see its content.
access-gate-no-role = You are { $person }, who has no role in this workspace. Its administrator can give you one, under `people` in workspace.json.
access-gate-no-login = No login is configured here: add [auth] to Streamlit's secrets.
review-unfinished = Request { $request } is approved but not fully carried out: { $step } of { $steps } steps are done.
review-not-begun = Nothing is destroyed yet: continue, or withdraw the approval.
review-go-on = Continue
review-withdraw = Withdraw the approval
review-withdrawn = The approval is withdrawn and nothing was destroyed. The run waits for a decision again.
review-empty = There is no request yet.
review-request = Request
review-inbox = Open requests, the earliest due date first
review-inbox-others = Other open requests, the earliest due date first
review-due = To be answered by { $date }.
review-overdue = **This date has passed.**
review-question = The request
review-asked = Received on { $date }: erase { $scope }.
review-users = Users: { $users }
review-opened-by = Opened by { $person }
review-run = Run under review
review-run-label = { $run } · { $verdict } · { $method }
review-nothing-yet = There is no finished run to review yet.
review-verify = Verify this run
review-verify-again = Verify again
review-verify-means = The model, the original and the retrained references answer the same questions. This takes a few minutes, and without a GPU a quarter of an hour for a large model; slow checks take longer.
review-submit-means = The run then waits for a decision. Nothing is deleted before that.
review-submit-failed-means = This run failed its verification, so it can only be rejected: its adapter is then destroyed, and the reason is signed. You can launch a new run without that.
review-approve-reason = Approve with a reason
review-approve-means = With the last approval the new model goes live, and the old one and the forgotten data are deleted for good.
review-reject-means = The new model is destroyed, the old one stays in use, and the request stays open.
review-trust = How far can this verdict be trusted?
review-verify-full = With slow checks
review-verify-full-help = The slow checks rephrase the prompts, train briefly, probe inside the model and compare the lists of all users: this takes several times as long. Without them, these attacks are not judged.
review-verifying = The model, the original and the retrained references answer the same questions. This takes a few minutes, and without a GPU a quarter of an hour for a large model; slow checks take longer.
review-unverified = This run is not verified yet.
review-not-run = Not checked: { $what }.
review-numbers-alt = Table of { $checks } checks with their values, intervals and bounds
review-column-check = Check
review-column-name = What is measured
review-column-verdict = Verdict
review-column-value = Value
review-column-low = From (90%)
review-column-high = To (90%)
review-column-n = Rows
review-column-bounds = Passes within
review-column-needed = Rows needed
review-column-source = Source of the bounds
review-column-time = Time
review-column-what = Event
review-was-void = Another request was carried out in the meantime. This destroyed all runs that started from the old adapter, including the run for this request. Launch a new run.
review-was-rejected = The last run was rejected and its adapter destroyed. The adapter in use was never changed.
review-needs = Approval needs a privacy officer and a product owner. Neither may have opened the request, or worked on its run: launched, resumed, verified or submitted it. One rejection is enough to reject.
review-needs-one = One decision is enough here, because one person holds every role.
review-no-ledger = Decisions are signed into a ledger, and this workspace has no ledger yet.
review-make-ledger = Create the ledger and its keys
review-submit = Submit for decision
review-verified = The verification is finished.
review-submitted = The run is submitted for a decision.
review-changed = The run changed since it was submitted, so all approvals of it are void. Reject it and launch a new run.
review-failed = The run failed its verification, so it cannot be approved: reject it, and unlearn in another way.
review-approve = Approve
review-reject = Reject
review-dialog = Your decision
review-will-go = After the last approval the new model goes live, and these are deleted for good:
review-destroys-rows = the forgotten rows in the data, and the user entries of users whose data is erased completely
review-destroys-adapter = the adapter that is in use now
review-destroys-references = all models trained for comparison
review-destroys-runs = all runs with their reports and lists, of every request, because they started from the old adapter
review-destroys-requests = the request itself, except its number and dates, and every other request for nothing but the same data
review-destroys-key = last, the key of the sealed copies; after this, nobody can undo the erasure
review-will-stay = Not reachable from here: { $left }.
review-left-backups = backups of the disk
review-left-copies = copies given to others
review-left-memory = programs that still hold the old recommender in memory
review-left-blocks = remains of deleted files on the disk
review-left-logs = logs of other systems
review-will-reject = The new adapter is destroyed, and the adapter in use stays. The request stays open.
review-subject = Request { $request }, run { $run }, method “{ $method }”. Verdict: **{ $verdict }**.
review-reason = Reason (optional)
review-reason-needed = Reason (required)
review-reason-help = A rejection needs a reason, and so does the approval of an inconclusive run. The reason stays in the signed ledger permanently, with your name: do not name anyone in it.
review-understood = I have read the evidence, and I know that this cannot be undone.
review-understood-reject = I have read the evidence, and I know that the new adapter cannot be restored.
review-approve-now = Approve now
review-reject-now = Reject now
review-carrying-out = Carrying out the request: sealing, publishing, purging, checking, destroying.
review-decided-pending = Your approval is recorded. Next, another person decides.
review-decided-rejected = The run is rejected and its adapter destroyed. Next, launch another run for this request.
review-decided-closed = The request is carried out: the new adapter is in service, and the forgotten data is destroyed.
review-after-record = Save the record below: it states what was done and who decided.
review-after-copies = Take care of what this program cannot reach: { $left }.
review-after-runs = Train references and launch a run for { $requests ->
    [one] the open request
   *[other] each of the { $requests } open requests
}: this deletion destroyed all references and runs that were made with the old adapter.
review-approved-by = { $person } ({ $role }) approved. { $time }
review-rejected-by = { $person } ({ $role }) rejected. { $time }
review-single-person = the single user
review-went-back = The request was approved but could not be carried out, so everything was restored: { $why }
review-comments = Comments
review-comment = Write a comment for the other reviewers
review-comment-send = Send
review-timeline = History
review-timeline-help = The entries of the signed ledger. Any change to them would be detected.
review-timeline-empty = The ledger has no entry for this request yet.
review-record-save = Save the record
review-answer-txt = Save the answer (text)
review-answer-html = Save the answer (to print)
review-answer-help = A letter to the person who asked: what was received and done, the verdict in plain words, what is out of reach, and where to complain. Replace what stands in brackets.
review-record-help = One page to file or print, made from the signed ledger only: what was requested, done, checked, decided and destroyed. It names no user of the request.
review-timeline-save = Save the history as CSV
review-carried-out = Carried out
review-gone = { $rows } rows of { $users ->
    [one] one user
   *[other] { $users } users
} were deleted on { $date }, and the adapter trained on them was destroyed. The record states how certain it is that the new adapter has forgotten them.
review-gone-together = { $requests } requests were carried out together as batch { $batch }.
review-served = Adapter in service since then: { $adapter }
review-audit-again = Search every file again
review-auditing = Searching every file of the workspace.
review-found = Forgotten data was found in { $files }.
review-not-searched = Not searched, so nobody knows what they hold: { $files }. Move them out of the workspace.
review-found-nothing = No file of the workspace holds forgotten data, and the approved recommender is in use.
review-served-other = The recommender in use is not the one that was approved last: find out who replaced it.
review-read-only = Open read-only
word-unverified = Not verified
word-pass = Pass
word-exact = Exact
word-no-trace = No measurable trace
word-fail = Fail
word-inconclusive = Inconclusive
word-measured = measured
review-next = What you can do next:
role-requester = requester
role-operator = operator
role-privacy-officer = privacy officer
role-product-owner = product owner
role-auditor = auditor
timeline-submission = { $person } submitted run { $run }.
timeline-resumed = { $person } resumed run { $run }.
timeline-cancelled = { $person } stopped run { $run }.
timeline-overlap = All other users' lists from before and after run { $run } were compared.
timeline-withdrawal = { $person } withdrew the approval before anything was destroyed.
timeline-run = Run { $run } finished and was entered.
timeline-verification = Run { $run } was verified: { $verdict }.
timeline-destruction = Run { $run } went into service, and the forgotten data was destroyed.

missing-run = Run { $run } was not found: it never existed here, or it is destroyed.
missing-run-instead = Run { $run } was not found: it never existed here, or it is destroyed. Run { $shown } is shown instead.
missing-request = Request { $request } was not found: it never existed here, or it was removed with another one. The page Review lists all requests.
missing-request-closed = Request { $request } is carried out, so no run can be launched for it. The page Review shows its record.
missing-user = User { $user } was not found among the users that can be shown here. Choose another one on this page.
missing-module = Module { $module } was not found in run { $run }, so the page leaves it out.

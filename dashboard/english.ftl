### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

lists-alt = { $list }: rank, title and what happened to it

## Overview

## Request

## Circuit

## Groups

## What if

what-if-title = What would be recommended without some parts of the model?
what-if-note =
    Switch parts off, or leave titles out of the history, and see one person's list change. Nothing is saved, and the
    model stays as it is.
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

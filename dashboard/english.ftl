### All English of the pages, in Project Fluent's syntax: one section a page, names begin with the page's.
### Values in { } are filled in; ** and other Markdown stays as it is.

## Everywhere

everywhere-inside = Look inside
everywhere-unlearn = Unlearn
everywhere-decide = Decide

## Overview

## Request

## Circuit

## Groups

## What if

## Run

## Before and after

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
tour-part = The orange triangles are the parts that serve mainly the data of those who asked. Point at one to read how much of the work for their data it does.
tour-sure = Nobody should trust this blindly: the search is repeated on other prompts, and the paler a mark, the less sure its group. The column “Sure” of the last table says it in numbers.
tour-what-if = What if one part were switched off? Choose it here and see how the answers change, before anything is decided.
tour-groups = Each part was sorted by whom it works for. Here you see where the line between the groups lies, and what moves when it is drawn elsewhere.
tour-run = One run takes the data out: the parts of each group are changed by a rule of their own. The curve shows the model losing its knowledge of the people who asked, step by step.
tour-before-after = Now compare: the recommendations of one person who asked, before and after. A title that left the list is a trace of the change, not a proof.
tour-never-saw = The fair yardstick is a model that never saw their data. The first chart shows how much of the way there this run came, and the third list what such a model recommends.
tour-report = The report says all of this in plain words, with what was measured and what is not known, as one file to hand on. It also lists what still holds the data.
tour-decide = People decide, not this software: the report is their evidence. That was the tour; open a request of your own to go on.

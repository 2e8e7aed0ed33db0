### English texts of checks, in Project Fluent's format. See core/report/check_texts.py for the names of messages.
### A translator copies this file and dashboard/locale/en.ftl into one file; see core/report/localization.py.

## How texts are put together

check-with-reason = { $sentence } { $reason }
check-voided = Not reliable, because the controls do not hold. { $sentence }
check-source-control = controls

## Reasons: the second sentence of a result

reason-not-measured = It could not be measured on these data.
reason-near-bound = The value is so close to the bound that more rows would hardly help.
reason-few-rows = This would need { $times } times as much data: about { $needed } rows, not { $rows }.
reason-still-knows = That is shown at the 1% level.
reason-over-forgot = That is shown at the 1% level.
reason-few-references = { $references ->
    [one] There is { $references } retrained reference
   *[other] There are { $references } retrained references
}; a PASS needs five.
reason-no-power = { $references_needed ->
    [0] No reasonable number of references would settle it with these rows.
   *[other] About { $references_needed } references would settle it, if the values stayed the same.
}
reason-few-strangers = This would need { $needed } held-out users, not { $strangers }.
reason-chance = One user stands out, but no more than chance or the retrained references explain.
reason-blind = This check finds nothing in the original model either, which was trained on these data, so it proves nothing here.
reason-unchanged = The run left the adapter unchanged: nothing was forgotten.
reason-replaced = The adapter was changed, replaced or removed after the run.
reason-incomplete-digests = The run did not record the digest of every file: launch a new run.
reason-external = For an adapter of another tool this means: it is the one that was handed in. Nobody here saw its training.
reason-recorded = Each of them is the one that was trained.
reason-partly-recorded = The ledger lacks the digest of at least one of them, so only their files were compared.

## V0: controls and conditions

check-control-original = The original is caught
check-control-original-pass = The original model, which forgot nothing, is caught on both endpoints.
check-control-original-inconclusive = The original model, which forgot nothing, is not caught: these data are too few, or the model learned too little from them, to tell a model that forgot from one that did not.

check-control-reference = No retrained reference is caught
check-control-reference-pass = No retrained reference fails when it is compared with the others.
check-control-reference-inconclusive = A retrained reference fails when it is compared with the others: these tests would fail honest models here.

check-references = Retrained references
check-references-inconclusive = { $count ->
    [0] There are no retrained references: train them first, then verify again.
    [one] There is only { $count } of { $wanted } retrained references: train more, then verify again.
   *[other] There are only { $count } of { $wanted } retrained references: train more, then verify again.
}

check-thresholds-frozen = The bounds were fixed before the run
check-thresholds-frozen-source = SHA-256 of all bounds
check-thresholds-frozen-pass = The bounds of all checks were fixed before the run began.
check-thresholds-frozen-inconclusive = The run began with other bounds or with none: launch a new run to have them fixed beforehand.

check-references-distinct = The references are separate models
check-references-distinct-source = SHA-256, exact
check-references-distinct-pass = The retrained references are separate models.
check-references-distinct-inconclusive = A retrained reference was replaced or removed, is a copy of another model, was trained on other rows or settings, or is missing in the ledger although other references are there: train it again.

## Endpoints: was enough forgotten, and not too much?

check-forgotten-log-loss = Advantage on the forgotten rows, in log loss
check-forgotten-log-loss-source = between -{ NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } and { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } nats: { NUMBER($keep, style: "percent") } of the original's advantage
check-forgotten-log-loss-pass = What the model predicts better or worse than models that never saw the forgotten rows is less than { NUMBER($keep, style: "percent") } of the original's advantage.
check-forgotten-log-loss-fail = The model predicts the forgotten rows better or worse than models that never saw them by more than { NUMBER($keep, style: "percent") } of the original's advantage.
check-forgotten-log-loss-inconclusive = It is not shown whether the difference from models that never saw the forgotten rows is within { NUMBER($keep, style: "percent") } of the original's advantage.

check-forgotten-membership = Advantage of a membership attack
check-forgotten-membership-source = between -{ NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } and { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } AUC: { NUMBER($keep, style: "percent") } of the original's advantage
check-forgotten-membership-pass = What an attacker tells better or worse than in models that never saw the forgotten rows is less than { NUMBER($keep, style: "percent") } of the advantage in the original.
check-forgotten-membership-fail = An attacker tells forgotten rows from rows of held-out users better or worse than in models that never saw them by more than { NUMBER($keep, style: "percent") } of the advantage in the original.
check-forgotten-membership-inconclusive = It is not shown whether an attacker's success is within { NUMBER($keep, style: "percent") } of the advantage in the original.

## V1: closeness to the references

check-residual = Distance to the retrained references
check-residual-source = { NUMBER($margin) } above { NUMBER($usual, minimumFractionDigits: 2, maximumFractionDigits: 2) }, the distance of the retrained references to each other
check-residual-pass = For the forgotten users, the model predicts about the same as the retrained references.
check-residual-fail = For the forgotten users, the model still predicts differently from the retrained references.
check-residual-inconclusive = It is not known whether the model predicts the same as the retrained references.

check-divergence = Divergence from the retrained references
check-divergence-source = { NUMBER($factor) } times the 95th percentile between { $references ->
    [one] { $references } retrained reference
   *[other] { $references } retrained references
}
check-divergence-pass = For the forgotten users, the model differs from the retrained references by no more than the bound.
check-divergence-fail = For the forgotten users, the model differs from the retrained references by more than the bound.
check-divergence-inconclusive = It is not known whether the model differs from the retrained references by more than the bound.

## V3: users who stand out

check-outliers = A forgotten user who stands out
check-outliers-source = a p-value below { NUMBER($rare, style: "percent") } means that a user stands out, { NUMBER($usual, style: "percent") } or more that none does; { $people ->
    [one] { $people } forgotten user
   *[other] { $people } forgotten users
} must be compared with { $wanted } held-out users
check-outliers-pass = No forgotten user stands out among held-out users; in the original model one did.
check-outliers-fail = A forgotten user stands out among held-out users: the model knows more, or less, about this user.
check-outliers-inconclusive = It is not known whether a forgotten user stands out among held-out users.

## V4: recommendation lists

check-ranking-hr = HR@10
check-ranking-hr-source = the value may be { NUMBER($margin) } below the references'
check-ranking-hr-pass = The model's lists are as good as those of the retrained references (HR@10).
check-ranking-hr-fail = The model's lists are worse than those of the retrained references (HR@10).
check-ranking-hr-inconclusive = It is not known whether the model's lists are as good as those of the retrained references (HR@10).

check-ranking-ndcg = NDCG@10
check-ranking-ndcg-source = { check-ranking-hr-source }
check-ranking-ndcg-pass = The model's lists are as good as those of the retrained references (NDCG@10).
check-ranking-ndcg-fail = The model's lists are worse than those of the retrained references (NDCG@10).
check-ranking-ndcg-inconclusive = It is not known whether the model's lists are as good as those of the retrained references (NDCG@10).

check-ranking-titles = Rank of forgotten titles
check-ranking-titles-source = ranks may differ from the references' by { NUMBER($margin) } of the list
check-ranking-titles-pass = Titles that the forgotten users liked have the same ranks as in the lists of the retrained references.
check-ranking-titles-fail = Titles that the forgotten users liked have other ranks than in the lists of the retrained references.
check-ranking-titles-inconclusive = It is not known whether titles that the forgotten users liked have the same ranks as in the lists of the retrained references.

## V5: paraphrases

check-paraphrases = Paraphrases of the prompt
check-paraphrases-source = { NUMBER($keep, style: "percent") } of the original's advantage, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } nats, under the worst of { $wordings ->
    [one] { $wordings } paraphrase
   *[other] { $wordings } paraphrases
}
check-paraphrases-pass = Under no paraphrase of the prompt does the model know more about the forgotten rows than the bound.
check-paraphrases-fail = Under a paraphrase of the prompt, the model still knows the forgotten rows.
check-paraphrases-inconclusive = It is not known whether the model knows the forgotten rows when prompts are paraphrased.

## V6: quantization

check-quantization-8 = Weights rounded to 8 bits
check-quantization-8-source = rounding may bring back { NUMBER($margin, style: "percent") } of the original's AUC advantage, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) } AUC
check-quantization-8-pass = Rounding the weights to 8 bits restores nothing of the forgotten data.
check-quantization-8-fail = With weights rounded to 8 bits, the model knows the forgotten data again.
check-quantization-8-inconclusive = It is not known whether rounding the weights to 8 bits restores forgotten data.

check-quantization-4 = Weights rounded to 4 bits
check-quantization-4-source = { check-quantization-8-source }
check-quantization-4-pass = Rounding the weights to 4 bits restores nothing of the forgotten data.
check-quantization-4-fail = With weights rounded to 4 bits, the model knows the forgotten data again.
check-quantization-4-inconclusive = It is not known whether rounding the weights to 4 bits restores forgotten data.

## V7: relearning

check-relearning = Relearning from a few rows
check-relearning-source = the loss on the others may fall by { NUMBER($margin) } nats more than in the references
check-relearning-pass = Trained on a few forgotten rows, the model learns the others no faster than the retrained references.
check-relearning-fail = Trained on a few forgotten rows, the model learns the others faster than the retrained references: something of them is left.
check-relearning-inconclusive = It is not known whether a little training restores the forgotten rows faster than it should.

## V8: probes

check-probes = Probes of the hidden states
check-probes-source = a probe's AUC may be { NUMBER($margin) } higher than in the retrained references
check-probes-pass = Probes of the hidden states tell forgotten users from held-out users no better than in the retrained references.
check-probes-fail = Probes of the hidden states still tell forgotten users from held-out users.
check-probes-inconclusive = It is not known whether the hidden states still contain something about the forgotten users.

## V9: overforgetting

check-answer-mass = Probability of a valid answer
check-answer-mass-source = at least { NUMBER($share) } of the probability that the retrained references give to Yes and No together
check-answer-mass-pass = The model still answers the prompts of the forgotten users with a valid answer.
check-answer-mass-fail = The model no longer answers the prompts of the forgotten users properly, which reveals the deletion.
check-answer-mass-inconclusive = It is not known whether the model still answers the prompts of the forgotten users properly.

check-distinguishability = Distinguishable from a retrained reference
check-distinguishability-source = an observer of the losses on the forget set may reach an AUC of { NUMBER($limit, minimumFractionDigits: 2, maximumFractionDigits: 2) }; 0.50 is chance
check-distinguishability-pass = The model's losses on the forget set are not distinguishably larger than those of a retrained reference.
check-distinguishability-fail = The model's losses on the forget set are distinguishably larger than those of a retrained reference, which reveals the deletion.
check-distinguishability-inconclusive = It is not known whether the model's losses on the forget set are distinguishably larger than those of a retrained reference.

## V10: utility

check-utility-test = Quality for the other users
check-utility-test-source = the upper end of the interval of the fall in AUC must stay under { NUMBER($margin) }; the original has { NUMBER($original, minimumFractionDigits: 3, maximumFractionDigits: 3) }
check-utility-test-pass = For the other users, the quality fell by less than the margin, if at all.
check-utility-test-fail = For the other users, the quality fell by more than the margin.
check-utility-test-inconclusive = For the other users, it is not shown that the quality fell by less than the margin.

check-utility-neighbours = Quality for the most similar users
check-utility-neighbours-source = the AUC may fall by { NUMBER($margin, style: "percent") } of the original model's { NUMBER($original, minimumFractionDigits: 3, maximumFractionDigits: 3) }, or as much as that of the retrained references on average, here { NUMBER($bound, style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1) }
check-utility-neighbours-pass = The model predicts later interactions of the users most similar to the forgotten users with no loss beyond the bound.
check-utility-neighbours-fail = The model predicts later interactions of the users most similar to the forgotten users worse than before.
check-utility-neighbours-inconclusive = It is not known whether the model predicts later interactions of the users most similar to the forgotten users with no loss beyond the bound.

check-utility-retain = Quality on the retain set
check-utility-retain-source = { check-utility-neighbours-source }
check-utility-retain-pass = The model predicts the training data of the other users with no loss beyond the bound.
check-utility-retain-fail = The model predicts the training data of the other users worse than before.
check-utility-retain-inconclusive = It is not known whether the model predicts the training data of the other users with no loss beyond the bound.

## V11: drift

check-drift = Drift on users of no request
check-drift-source = the divergence from a full retrain may be { NUMBER($margin) } bits above { NUMBER($usual, minimumFractionDigits: 3, maximumFractionDigits: 3) }, that between two full retrains
check-drift-pass = { $requests ->
    [1] For other users, the model differs from a full retrain by no more than the bound.
   *[other] After { $requests } requests, for other users, the model differs from a full retrain by no more than the bound.
}
check-drift-fail = { $requests ->
    [1] For other users, the model differs from a full retrain by more than the bound: retrain in full.
   *[other] After { $requests } requests, for other users, the model differs from a full retrain by more than the bound: retrain in full.
}
check-drift-inconclusive = { $requests ->
    [1] It is not known whether the model has drifted from a full retrain.
   *[other] After { $requests } requests, it is not known whether the model has drifted from a full retrain.
}

## V12: identity of the adapter

check-adapter-identity = The adapter is the one that the run made
check-adapter-identity-source = SHA-256, exact
check-adapter-identity-pass = The adapter is the one that the run made.
check-adapter-identity-fail = The adapter is not a valid result of this run.
check-adapter-identity-inconclusive = It is not known whether the adapter is the one that the run made.

check-same-function = The adapter is not the original
check-same-function-source = the answers must change by more than { NUMBER($low, style: "percent") } of what another seed changes
check-same-function-pass = The adapter does not compute the same answers as the original.
check-same-function-fail = The adapter computes the same answers as the original, whatever its digest.

## Verdict of a verification: one sentence with its numbers, the same on all pages

verdict-pass = Forgotten: with { $confidence } confidence, at least { $at_least } of what the model knew about the forgotten data, taken together, is gone; with 95% confidence, its predictions for the other users got worse by at most { $fall } AUC.
verdict-pass-no-share = Forgotten: with { $confidence } confidence, more than { $theta } of what the model knew about the forgotten data, taken together, is gone; with 95% confidence, its predictions for the other users got worse by at most { $fall } AUC.
verdict-no-trace = No measurable trace: even before the run, what the model knew about the forgotten data beyond models that never saw it was, with 95% confidence, under the fixed margins.
verdict-exact = Exact: the adapter was trained again without the forgotten data, and it is the one that this training made.
verdict-fail-still-knows = Not forgotten: the model still knows more than { $kept } of what it knew about the forgotten data.
verdict-fail-over-forgot = Forgotten too much: the model predicts the forgotten data so much worse than models that never saw it that the deletion shows.
verdict-fail-guardrail = Not acceptable: harm is shown ({ $harm }).
verdict-fail-utility-test = Not acceptable: for the other users, the quality fell by more than { $margin } AUC.
verdict-fail-unchanged = Not forgotten: the adapter computes the same answers as the original.
verdict-fail-replaced = Not valid: the adapter was changed, replaced or removed after the run.
verdict-inconclusive-few-references = Inconclusive: there { $references ->
    [0] are no retrained references
    [one] is { $references } retrained reference
   *[other] are { $references } retrained references
}, and a PASS needs five.
verdict-inconclusive-no-power = Inconclusive: it is not shown that enough, and not too much, of what the model knew about the forgotten data is gone{ $interval }.
verdict-inconclusive-control-original = Inconclusive: these tests would not notice a model that forgot nothing, because the forgotten data are too few or left too little in the model.
verdict-inconclusive-control-reference = Inconclusive: these tests would fail a model that never saw the data, because the retrained references differ too much.
verdict-inconclusive-utility-test = Inconclusive: it is not shown that the other users' quality fell by less than { $margin } AUC.
verdict-inconclusive-thresholds-frozen = Inconclusive: the margins of the verdict were not fixed before the run.
verdict-inconclusive-references-distinct = Inconclusive: a retrained reference was replaced or removed, is a copy, was trained on other rows or settings, or is missing in the ledger although other references are there.
verdict-inconclusive-adapter-identity = Inconclusive: the run did not record the digest of every file of its adapter.
verdict-interval = (by log loss { $share }, interval { $low } to { $high })
verdict-earlier-version = Verified by an earlier version of this program, with another rule: { $verdict }.

## What can be done next

next-approve = Submit the run for review.
next-more-references = Train { $references_needed ->
    [0] more references
   *[other] references until there are { $references_needed }
}, then verify again.
next-batch = Put this request into one run with others: the page Request and the command “estimate” tell how many rows a verdict takes.
next-retrain = Run the method “retrain”, which is exact and slow.
next-retrain-drift = Run the method “retrain” first: with this run, deletions in a row lower the test AUC by { $drift }, more than { $margin }.
next-approve-with-reason = Approve the run with a reason, if a person takes the responsibility.
next-another-method = Launch another run, with another method.
next-reject = Reject this run.
next-launch-again = Launch a new run.
next-train-references-again = Remove the references of this request and train them again.

## How much several deletions in a row lowered the test AUC

drift-by = Since the { $since ->
    [retraining] last retraining
   *[first] first adapter
}, { $deletions ->
    [one] one deletion
   *[other] { $deletions } deletions
} { $change ->
    [rise] raised
   *[fall] lowered
} the test AUC by { $by }
drift-unknown = { $unknown ->
    [0] .
    [one] . The change by one deletion is not known and not counted.
   *[other] . The changes by { $unknown } deletions are not known and not counted.
}
drift-used = { drift-by }; at { $budget } retraining is advised{ drift-unknown }
drift-spent = { drift-by }; that is more than { $budget }, so the method “retrain” is advised{ drift-unknown }

## How many rows a verdict takes

-rows-power = Estimated for a run that forgot everything: an 80% chance that log loss and membership both pass; other checks may still fail.
rows-covered = { $requests ->
    [one] This request covers { $rows } rows of training data
   *[other] These { $requests } requests cover { $rows } rows of training data
}
rows-needed-unknown = { rows-covered }. How many a verdict takes is not known until one run of this workspace was verified with references.
rows-needed-no-advantage = { rows-covered }. In the verification with the most rows no advantage was measured, so the rows needed cannot be computed. The verdict NO MEASURABLE TRACE may still be possible.
rows-needed-hopeless = { rows-covered }. By the noise measured here, no number of rows gives a verdict with five references: train more of them.
rows-needed-enough = { rows-covered }; about { $needed } are needed for a verdict, so they are enough. { -rows-power }
rows-needed-more = { rows-covered }; about { $needed } are needed for a verdict{ $together ->
    [0] .
   *[other] , or about { $together } such requests in one batch.
} { -rows-power }

## How often the verdict errs, measured on models whose truth is known

error-rates-source = How often this verdict errs was measured with { $references } references on models whose truth is known, from { $scenes } adapters of { $world }; other data can have other rates. Brackets hold 95% intervals. Known gap: the tests use only the prompts that the original was trained on. So a model that learned half of the forgotten rows from other prompts usually passes.
error-rates-of = { $kind }, { $share }% to be forgotten: of the models that never saw the data, { $passed } pass, { $failed } fail, and the rest is inconclusive; of mixtures with the original’s weights that still know half of what it knew, { $half } pass.
error-rate = { $value }% ({ $low } to { $high })
error-rates-random = 5% of the people
error-rates-single = One person
error-rates-genre = One genre of one person

## Attacks and forget-quality figures of the field, each compared with the references

attack-loss-auc = Membership attack by loss, AUC (arXiv 1709.01604)
attack-loss-tpr = Membership attack by loss, true positives at 1% false positives (arXiv 2112.03570)
attack-rmia-auc = RMIA, offline, AUC (arXiv 2312.03262)
attack-rmia-tpr = RMIA, offline, true positives at 1% false positives
attack-lira-auc = LiRA, offline, AUC (arXiv 2112.03570)
attack-lira-tpr = LiRA, offline, true positives at 1% false positives
attack-forget-quality = Forget quality, KS p-value (TOFU, arXiv 2401.06121); near 0 is distinguishable from the references
attack-privacy-leakage = PrivLeak after MUSE (arXiv 2407.06460), members as positives; above 0 is under-forgetting; not comparable with published values
attack-hardest-users = Advantage on the quarter of forgotten users whom the references predict worst, nats (arXiv 2412.08559)

## Not run: in this verification, or in any

not-run-v5 = paraphrases of the prompt (run with --full)
not-run-v7 = relearning with a little training (run with --full)
not-run-v8 = probes of the hidden states (run with --full)
not-run-shadow-models = membership attacks with shadow models, which train many models of their own
not-run-white-box = attacks with access to weights or gradients, except probes, quantization and a little training
not-run-two-versions = comparison of the adapter before and after, which reveals what was removed
not-run-long-training = relearning with long training, or from data similar to the forgotten data
not-run-base-model = the base model, which is not changed and may know users from other sources
not-run-other-ways-in = adversarial prompts, except paraphrases

## The answer to the person who asked for erasure; brackets mark what the company adds

answer-subject = Your request { $request } to erase your data
answer-greeting = Dear [name],
answer-received = we received your request on { $date }. Its reference is { $request }.
answer-open = We are working on it: your data are to be removed from our recommender, and from the model that learned from them. You will have our answer by { $due }.
answer-done = On { $date } we removed your data from the training data of our recommender ({ $rows ->
    [one] one row
   *[other] { $rows } rows
}), and destroyed the model that had learned from them. Another model has taken its place.
answer-verdict-pass-share = We tested that model against models that were trained again and never saw your data, by rules that were fixed before. It passed: with { $confidence } confidence, at least { $at_least } of what the earlier model knew of your data is gone.
answer-verdict-pass = We tested that model against models that were trained again and never saw your data, by rules that were fixed before. It passed.
answer-verdict-exact = That model was trained again without your data, so it cannot know anything from them.
answer-verdict-no-trace = We tested that model against models that were trained again and never saw your data. Not even the earlier model showed a trace of your data that could be measured, and this one shows none.
answer-verdict-inconclusive = We tested that model against models that were trained again and never saw your data. The tests had no clear result: they show neither that it is like those models, nor that it is not. The people responsible decided to use it all the same, and recorded their reason.
answer-verdict-fail = We tested that model against models that were trained again and never saw your data. It did not pass.
answer-out-of-reach = Some copies are out of this system's reach: backups, logs of other systems, and copies of the earlier model that were handed on. [Say when they are erased.]
answer-record = Each step was signed when it was made: the tests, the decisions and the deletion. You can ask us for this record.
answer-complaint = If you do not agree with this answer, write to [contact of the data protection officer]. You can also complain to a data protection authority, such as that of the place where you live or work [name and address], and you can go to court.
answer-signature =
    Yours sincerely,
    { "[" }company, address]

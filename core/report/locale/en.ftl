### English texts of checks, in Project Fluent's format. See core/report/check_texts.py for the names of messages.
### A translator copies this file and dashboard/locale/en.ftl into one file; see core/report/localization.py.

## How texts are put together

check-with-reason = { $sentence } { $reason }
check-voided = Not reliable, because the controls do not hold. { $sentence }
check-source-control = controls

## Reasons: the second sentence of a result

reason-not-measured = It could not be measured on these data.
reason-near-bound = The value is so close to the bound that more rows would hardly help.
reason-few-rows = { $rows ->
    [one] There is { $rows } row
   *[other] There are { $rows } rows
}; about { $needed } would be needed to tell.
reason-more-rows = About { $needed } rows would be needed for the first check to catch it.
reason-few-strangers = { $strangers ->
    [one] There is { $strangers } held-out user
   *[other] There are { $strangers } held-out users
}; { $needed } would be needed to tell.
reason-chance = One user stands out, but no more than chance or the retrained references explain.
reason-blind = This check finds nothing in the original model either, which was trained on these data, so it proves nothing here.
reason-few-rows-for-checks = The forget set has too few rows for them.
reason-not-full = Verify with --full to run all of them.
reason-unchanged = The run left the adapter unchanged: nothing was forgotten.
reason-replaced = The adapter was changed, replaced or removed after the run.
reason-incomplete-digests = The run did not record the digest of every file: launch a new run.
reason-recorded = Each of them is the one that was trained.
reason-partly-recorded = The ledger does not have the digest of each of them.

## V0: controls and conditions

check-control-original = A model that forgot nothing is caught
check-control-original-pass = The original model, which forgot nothing, fails as it must: { $checks }.
check-control-original-inconclusive = The original model, which forgot nothing, is caught by no check: these data do not suffice to tell anything.

check-control-reference = A retrained reference passes
check-control-reference-pass = A retrained reference fails no check, as it must.
check-control-reference-inconclusive = A retrained reference fails too ({ $checks }): here these checks would fail any model.

check-references = Retrained references
check-references-inconclusive = { $count ->
    [0] There are no retrained references: train them first, then verify again.
    [one] There is only { $count } of { $wanted } retrained references: train them first, then verify again.
   *[other] There are only { $count } of { $wanted } retrained references: train them first, then verify again.
}

check-all-checks-run = All checks were run
check-all-checks-run-source = list of checks
check-all-checks-run-inconclusive = Some checks were not run ({ $ids }).

check-thresholds-frozen = The bounds were fixed before the run
check-thresholds-frozen-source = SHA-256 of all bounds
check-thresholds-frozen-pass = The bounds of all checks were fixed before the run began.
check-thresholds-frozen-inconclusive = The run began with other bounds or with none: launch a new run to have them fixed beforehand.

check-references-distinct = The references are separate models
check-references-distinct-source = SHA-256, exact
check-references-distinct-pass = The retrained references are separate models.
check-references-distinct-inconclusive = A retrained reference was replaced or removed, or is a copy of another model: train it again.

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
check-divergence-pass = For the forgotten users, the model differs from the retrained references no more than these differ from each other.
check-divergence-fail = For the forgotten users, the model differs from the retrained references more than these differ from each other.
check-divergence-inconclusive = It is not known whether the model differs from the retrained references more than these differ from each other.

## V2: membership inference

check-membership-loss = Membership attack by loss
check-membership-loss-source = the attack's AUC may differ by { NUMBER($margin) } from its AUC on the retrained references, or by their spread, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) }
check-membership-loss-pass = An attacker cannot tell from the model's losses that the forgotten users were in its training data.
check-membership-loss-fail = The model's losses on the forgotten users reveal that they were treated differently from other users.
check-membership-loss-inconclusive = It is not known whether the model's losses reveal the forgotten users.

check-membership-calibrated = Membership attack by loss, calibrated by references
check-membership-calibrated-source = { check-membership-loss-source }
check-membership-calibrated-pass = An attacker who has retrained references cannot tell from the model's losses that the forgotten users were in its training data.
check-membership-calibrated-fail = For an attacker who has retrained references, the model's losses on the forgotten users reveal that they were treated differently from other users.
check-membership-calibrated-inconclusive = It is not known whether the model's losses reveal the forgotten users to an attacker who has retrained references.

## V3: users who stand out

check-outliers = A forgotten user who stands out
check-outliers-source = a p-value below { NUMBER($rare, style: "percent") } counts as standing out, from { NUMBER($usual, style: "percent") } on as not; { $people ->
    [one] { $people } forgotten user
   *[other] { $people } forgotten users
} must be compared with { $wanted } held-out users
check-outliers-pass = No forgotten user stands out among held-out users; in the original model one did.
check-outliers-fail = A forgotten user stands out among held-out users: the model knows more, or less, about this user.
check-outliers-inconclusive = It is not known whether a forgotten user stands out among held-out users.

## V4: recommendation lists

check-ranking-hr = HR@10
check-ranking-hr-source = { NUMBER($margin) }, or the spread of the retrained references, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) }
check-ranking-hr-pass = The model's lists are as good as those of the retrained references (HR@10).
check-ranking-hr-fail = The model's lists are better or worse than those of the retrained references (HR@10).
check-ranking-hr-inconclusive = It is not known whether the model's lists are as good as those of the retrained references (HR@10).

check-ranking-ndcg = NDCG@10
check-ranking-ndcg-source = { check-ranking-hr-source }
check-ranking-ndcg-pass = The model's lists are as good as those of the retrained references (NDCG@10).
check-ranking-ndcg-fail = The model's lists are better or worse than those of the retrained references (NDCG@10).
check-ranking-ndcg-inconclusive = It is not known whether the model's lists are as good as those of the retrained references (NDCG@10).

check-ranking-titles = Rank of forgotten titles
check-ranking-titles-source = { NUMBER($margin) } of the list, or the spread of the retrained references, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) }
check-ranking-titles-pass = Titles that the forgotten users liked have the same ranks as in the lists of the retrained references.
check-ranking-titles-fail = Titles that the forgotten users liked have other ranks than in the lists of the retrained references.
check-ranking-titles-inconclusive = It is not known whether titles that the forgotten users liked have the same ranks as in the lists of the retrained references.

## V5: paraphrases

check-paraphrases = Paraphrases of the prompt
check-paraphrases-source = { NUMBER($factor) } times the largest divergence of { $references ->
    [one] { $references } retrained reference
   *[other] { $references } retrained references
} over { $wordings ->
    [one] { $wordings } paraphrase
   *[other] { $wordings } paraphrases
}
check-paraphrases-pass = With paraphrased prompts, the model predicts about the same as the retrained references.
check-paraphrases-fail = With paraphrased prompts, the model predicts differently for the forgotten users from the retrained references.
check-paraphrases-inconclusive = It is not known whether the model predicts the same as the retrained references when prompts are paraphrased.

## V6: quantization

check-quantization-8 = Weights rounded to 8 bits
check-quantization-8-source = { NUMBER($margin, style: "percent") } of the way back to the original model, or the highest value of a reference, here { NUMBER($bound, style: "percent") }
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
check-relearning-source = similarity of learning curves of at least { NUMBER($threshold) }, or the lowest between retrained references, here { NUMBER($bound, minimumFractionDigits: 2, maximumFractionDigits: 2) }
check-relearning-pass = Trained on a few forgotten rows, the model learns the others as fast as the retrained references.
check-relearning-fail = Trained on a few forgotten rows, the model learns the others faster or slower than the retrained references.
check-relearning-inconclusive = It is not known whether a little training restores the forgotten rows faster than it should.

## V8: probes

check-probes = Probes of the hidden states
check-probes-source = a probe's AUC may be { NUMBER($margin) } higher than in the retrained references, or by their spread, here { NUMBER($bound, minimumFractionDigits: 3, maximumFractionDigits: 3) }
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
check-distinguishability-pass = The model's losses on the forget set look like those of a retrained reference.
check-distinguishability-fail = The model's losses on the forget set do not look like those of a retrained reference.
check-distinguishability-inconclusive = It is not known whether the model's losses on the forget set look like those of a retrained reference.

## V10: utility

check-utility-test = Quality for the other users
check-utility-test-source = the AUC may fall by { NUMBER($margin, style: "percent") } of the original model's { NUMBER($original, minimumFractionDigits: 3, maximumFractionDigits: 3) }, or as much as that of the retrained references, here { NUMBER($bound, style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1) }
check-utility-test-pass = The model predicts later interactions of the other users as well as before.
check-utility-test-fail = The model predicts later interactions of the other users worse than before.
check-utility-test-inconclusive = It is not known whether the model predicts later interactions of the other users as well as before.

check-utility-neighbours = Quality for the most similar users
check-utility-neighbours-source = { check-utility-test-source }
check-utility-neighbours-pass = The model predicts later interactions of the users most similar to the forgotten users as well as before.
check-utility-neighbours-fail = The model predicts later interactions of the users most similar to the forgotten users worse than before.
check-utility-neighbours-inconclusive = It is not known whether the model predicts later interactions of the users most similar to the forgotten users as well as before.

check-utility-retain = Quality on the retain set
check-utility-retain-source = { check-utility-test-source }
check-utility-retain-pass = The model predicts the training data of the other users as well as before.
check-utility-retain-fail = The model predicts the training data of the other users worse than before.
check-utility-retain-inconclusive = It is not known whether the model predicts the training data of the other users as well as before.

## V11: drift

check-drift = Drift on users of no request
check-drift-source = { NUMBER($factor) } times the 95th percentile between { $references ->
    [one] { $references } full retrain
   *[other] { $references } full retrains
}
check-drift-pass = { $requests ->
    [1] For other users, the model differs from a full retrain no more than two retrains differ from each other.
   *[other] After { $requests } requests, for other users, the model differs from a full retrain no more than two retrains differ from each other.
}
check-drift-fail = { $requests ->
    [1] For other users, the model differs from a full retrain more than two retrains differ from each other: retrain in full.
   *[other] After { $requests } requests, for other users, the model differs from a full retrain more than two retrains differ from each other: retrain in full.
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

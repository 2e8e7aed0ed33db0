"""The harness: every method on the same people, the same references, the same questions.

scenes   who is to be forgotten by which adapter, with references: one seed each
tuning   the same number of trials for every method, on validation and holdout people only
trials   one method in one scene, measured along its way
rows     what was measured, in Parquet, so that a broken-off bench goes on where it stood
grid     which of these there are
tables   rows -> the Markdown report; verdicts: its first paragraph
"""

"""Verification of an unlearned model: checks V0 to V12 against retrained references.

The package works on model outputs only and returns codes and numbers. It builds no text: see
`core.report.check_texts`.
"""

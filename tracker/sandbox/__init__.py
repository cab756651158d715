"""A local stand-in for a serving stack: real tokens from a toy model, real waiting from a physical serving model.

Everything it answers is labelled `x-tracker-sandbox: 1`, and every row measured on it carries `is_sandbox`.
"""

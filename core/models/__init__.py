"""Hugging Face models as recommenders: loading, model families, LoRA layout, batching."""
